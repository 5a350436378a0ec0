/** `list`: the catalogue with every parameter, its default and what it means; then the suites. */
import { CATALOGUE, SUITES } from '../../workloads/catalogue.js';
import { UsageError } from '../errors/usage-error.js';
import { suggestion } from '../options/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import { listParameters } from './parameter-list.js';

/** Without names: all of it. Throws a UsageError for a name that it does not have. */
export async function listCommand(names: readonly string[], terminal: Terminal): Promise<number> {
  const known = CATALOGUE.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new UsageError(
      `unknown workload "${name}"${suggestion(name, known)} (known: ${known.join(', ')})`,
    );
  }
  for (const entry of CATALOGUE) {
    if (names.length > 0 && !names.includes(entry.name)) continue;
    const { default: workload } = await entry.load();
    terminal.write(`${listParameters(entry.name, workload)}\n`);
  }
  if (names.length === 0) listSuites(terminal);
  return 0;
}

function listSuites(terminal: Terminal): void {
  terminal.write('suites:\n');
  for (const [name, members] of Object.entries(SUITES)) {
    if (members.length === 0) continue;
    const names = [...new Set(members.map((member) => member.name))];
    terminal.write(`  ${name}: ${names.join(', ')}\n`);
  }
}
