/** The first message on a socket of the mesh: who is there, in JSON, so that a stranger's mistake is readable. */
export interface Hello {
  readonly cluster: string;
  readonly process: number;
}

const PROTOCOL = 'pinwire-fabric/1';

export const printHello = (hello: Hello): string =>
  JSON.stringify({ protocol: PROTOCOL, ...hello });

/** The hello of one of `processes` processes, or what is wrong with it. */
export function parseHello(text: string, processes: number): Hello | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the hello is not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'the hello is not an object';
  }
  const { protocol, cluster, process } = value as Readonly<Record<string, unknown>>;
  if (protocol !== PROTOCOL) return `the other end does not speak ${PROTOCOL}`;
  if (typeof cluster !== 'string') return 'the hello names no cluster';
  if (typeof process !== 'number' || !Number.isInteger(process))
    return 'the hello names no process';
  if (process < 0 || process >= processes) return `no process ${process} in this cluster`;
  return { cluster, process };
}
