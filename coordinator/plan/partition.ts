/** How hosts are packed into processes. */

/** Hosts in order over processes in order, as evenly as they go. */
export function partition(hosts: number, processes: number): number[][] {
  const first = (process: number): number => Math.floor((process * hosts) / processes);
  return Array.from({ length: processes }, (_, process) =>
    Array.from(
      { length: first(process + 1) - first(process) },
      (_, index) => first(process) + index,
    ),
  );
}
