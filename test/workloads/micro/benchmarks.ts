/** The micro benchmarks, for tests that hold all of them to the same. */
import type { Workload } from '../../../workloads/authoring/workload.js';
import atomicLat from '../../../workloads/micro/atomic-lat.js';
import msgRate from '../../../workloads/micro/msg-rate.js';
import readBw from '../../../workloads/micro/read-bw.js';
import readLat from '../../../workloads/micro/read-lat.js';
import sendBw from '../../../workloads/micro/send-bw.js';
import sendLat from '../../../workloads/micro/send-lat.js';
import writeBw from '../../../workloads/micro/write-bw.js';
import writeLat from '../../../workloads/micro/write-lat.js';

export const BENCHMARKS: readonly Workload[] = [
  sendLat,
  writeLat,
  readLat,
  atomicLat,
  sendBw,
  writeBw,
  readBw,
  msgRate,
];

export { atomicLat, msgRate, readBw, readLat, sendBw, sendLat, writeBw, writeLat };
