/**
 * A registration cache: regions are registered when their memory is first used and kept, so that later uses cost a
 * look-up. Communication libraries have one each (UCX, libfabric, MPI).
 */
import { STAGE } from '../../sim/stages.js';
import type { MemoryRegion, ProtectionDomain, Region, RegistrationCache } from './verbs.js';
import type { ProgramPort } from './program-port.js';

export class ProgramRegistrationCache implements RegistrationCache {
  hits = 0;
  misses = 0;
  private regions: MemoryRegion[] = [];
  private readonly pd: ProtectionDomain;
  private readonly access: number;
  private readonly port: ProgramPort;
  /** What looking costs, in ps. */
  private readonly lookup: number;

  constructor(pd: ProtectionDomain, access: number, port: ProgramPort, lookup: number) {
    this.pd = pd;
    this.access = access;
    this.port = port;
    this.lookup = lookup;
  }

  async find(memory: Region): Promise<MemoryRegion> {
    this.port.pass(this.lookup, STAGE.compute);
    const end = memory.address + memory.length;
    const known = this.regions.find(
      ({ address, length }) => address <= memory.address && end <= address + length,
    );
    if (known !== undefined) {
      this.hits++;
      return known;
    }
    this.misses++;
    const region = await this.pd.registerMemory(memory, this.access);
    this.regions.push(region);
    return region;
  }

  async clear(): Promise<void> {
    const { regions } = this;
    this.regions = [];
    for (const region of regions) await region.deregister();
  }
}
