/**
 * What the kernel's own driver lets the NIC touch: registered memory and queues, each frame at its physical address in
 * the IOMMU's domain 0.
 */
import { HUGE_FRAMES, PAGE_SIZE } from '../memory/physical-memory.js';
import { KERNEL_DOMAIN, MAY_READ, MAY_WRITE, type Iommu } from '../nic/iommu.js';

/** Maps frames, of pages of 2 MiB if `huge`; how many entries of the page table that took. */
export function mapForKernel(iommu: Iommu, frames: Int32Array, huge: boolean): number {
  const starts = startsOf(frames, huge);
  for (const at of starts) iommu.map(KERNEL_DOMAIN, at, at, MAY_READ | MAY_WRITE, huge);
  return starts.length;
}

export function unmapForKernel(iommu: Iommu, frames: Int32Array, huge: boolean): number {
  const starts = startsOf(frames, huge);
  for (const at of starts) iommu.unmap(KERNEL_DOMAIN, at, huge);
  return starts.length;
}

/** Physical addresses of the pages that these frames are, or are in. */
function startsOf(frames: Int32Array, huge: boolean): number[] {
  const starts: number[] = [];
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i]!;
    if (!huge) starts.push(frame * PAGE_SIZE);
    else if (i === 0 || frame % HUGE_FRAMES === 0) {
      starts.push((frame - (frame % HUGE_FRAMES)) * PAGE_SIZE);
    }
  }
  return starts;
}
