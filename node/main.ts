/**
 * A host process: runs the hosts that its coordinator gives it, and ends when the coordinator says so or is gone.
 * Ctrl-C, and a supervisor's SIGTERM, reach the whole group of processes; the process that started them decides what
 * they mean.
 */
import { CATALOGUE } from '../workloads/catalogue.js';
import { Machine } from './process/machine.js';
import { ControlledProcess } from './process/process-control.js';
import { ENVIRONMENT_VARIABLE, parseEnvironment } from './process/process-environment.js';
import { HostPrograms } from './process/host-programs.js';

for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => undefined);

const environment = parseEnvironment(process.env[ENVIRONMENT_VARIABLE]);
// Programs and their workers have no business with the token.
Reflect.deleteProperty(process.env, ENVIRONMENT_VARIABLE);
if (typeof environment === 'string') {
  console.error(`${environment}: this program is started by pinwire, not by hand`);
  process.exitCode = 2;
} else {
  if (environment.lifeline) process.stdin.resume().on('end', () => process.exit(0));
  const catalogue = new Map(CATALOGUE.map(({ name, moduleUrl }) => [name, moduleUrl]));
  const programs = new HostPrograms(environment.programs, catalogue);
  process.on('exit', () => programs.sweep());
  await ControlledProcess.start(environment, (spec, wiring) =>
    programs.load(spec, (program) => Machine.create(spec, { ...wiring, program })),
  );
}
