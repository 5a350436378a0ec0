/** `list`: the catalogue with every parameter, its default and what it means; then the suites. */
import { formatDuration } from '../../units/time.js';
import { formatSize } from '../../units/size.js';
import { CATALOGUE, SUITES } from '../../workloads/catalogue.js';
import type { ParameterSpec } from '../../workloads/authoring/workload.js';
import type { Terminal } from '../terminal/terminal.js';

export async function listCommand(terminal: Terminal): Promise<number> {
  for (const entry of CATALOGUE) {
    const { default: workload } = await entry.load();
    terminal.write(`${entry.name}: ${workload.summary}\n`);
    const rows = Object.entries(workload.parameters).map(([name, spec]) => [
      name,
      shownDefault(spec),
      `${spec.help}${limits(spec)}`,
    ]);
    const width = (column: number): number => Math.max(...rows.map((row) => row[column]!.length));
    for (const [name, value, help] of rows) {
      terminal.write(`  ${name!.padEnd(width(0))}  ${value!.padEnd(width(1))}  ${help!}\n`);
    }
    terminal.write('\n');
  }
  terminal.write('suites:\n');
  for (const [name, members] of Object.entries(SUITES)) {
    if (members.length === 0) continue;
    const names = [...new Set(members.map((member) => member.name))];
    terminal.write(`  ${name}: ${names.join(', ')}\n`);
  }
  return 0;
}

function shownDefault({ type, default: value }: ParameterSpec): string {
  if (type === 'size' && typeof value === 'number') return formatSize(value);
  if (type === 'duration' && typeof value === 'number') return formatDuration(value);
  if (type === 'rate' && typeof value === 'number') return `${value} Gb/s`;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === '' ? '-' : String(value);
}

function limits({ choices, type, min, max }: ParameterSpec): string {
  if (choices !== undefined) return ` (${choices.join(', ')})`;
  const shown = (limit: number): string =>
    type === 'size' ? formatSize(limit) : type === 'duration' ? formatDuration(limit) : `${limit}`;
  if (min !== undefined && max !== undefined) return ` (${shown(min)} to ${shown(max)})`;
  if (min !== undefined) return ` (from ${shown(min)})`;
  return max === undefined ? '' : ` (up to ${shown(max)})`;
}
