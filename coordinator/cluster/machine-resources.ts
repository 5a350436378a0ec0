/** What this machine, or the container that it seems to be, has for emulated hosts. */
import { availableParallelism, totalmem } from 'node:os';

export interface MachineResources {
  /** Logical processors that may be used. */
  readonly cores: number;
  /** Bytes of memory. */
  readonly memory: number;
}

export function machineResources(): MachineResources {
  const total = totalmem();
  // In a container this is its limit. Without one Node answers with 0, or with a number beyond all memory.
  const limit = process.constrainedMemory();
  return {
    cores: availableParallelism(),
    memory: limit > 0 && limit < total ? limit : total,
  };
}
