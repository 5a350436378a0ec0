/** What a host process is told at its start: by environment, because argv is there for every user to read. */
import { FieldReader } from '../wire/control/field-reader.js';

export const ENVIRONMENT_VARIABLE = 'PINWIRE_HOST_PROCESS';

export interface ProcessEnvironment {
  /** ws:// address of the coordinator's control socket. */
  readonly control: string;
  /** The cluster's secret. */
  readonly token: string;
  /** Names the cluster to its own processes. */
  readonly cluster: string;
  readonly process: number;
  readonly processes: number;
}

export const printEnvironment = (environment: ProcessEnvironment): string =>
  JSON.stringify(environment);

/** The environment in `text`, or what is wrong with it. */
export function parseEnvironment(text: string | undefined): ProcessEnvironment | string {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return `${ENVIRONMENT_VARIABLE} does not say where the coordinator is`;
  }
  const fields = new FieldReader(ENVIRONMENT_VARIABLE, value);
  const processes = fields.whole('processes', 1, 512);
  const environment = {
    control: fields.text('control', 256),
    token: fields.text('token', 256),
    cluster: fields.text('cluster', 64),
    process: fields.whole('process', 0, processes - 1),
    processes,
  };
  return fields.problem ?? environment;
}
