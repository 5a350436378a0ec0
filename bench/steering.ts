/** Steers frames of many flows as a NIC with as many queues as cores would, and times it. */
import { ReceiveSteering, type SteeringMode } from '../node/model/nic/receive-steering.js';
import { emitEthernet } from '../wire/ethernet.js';
import { emitIpv4, newIpv4 } from '../wire/ipv4.js';

const FLOWS = 1024;
const FRAME = 64;

/** Frames per second of wall time; `rules` flows have a rule of their own. */
export function steeringRate(mode: SteeringMode, rules: number, frames: number): number {
  const steering = new ReceiveSteering({ mode, queues: 8, rules, learned: FLOWS, idle: 1e12 });
  const view = new DataView(new ArrayBuffer(FLOWS * FRAME));
  for (let flow = 0; flow < FLOWS; flow++) {
    const at = flow * FRAME;
    emitEthernet(view, at, { destination: 1, source: 2, etherType: 0x0800 });
    emitIpv4(view, at + 14, { ...newIpv4(), protocol: 6, source: flow, destination: 1 });
    view.setUint16(at + 34, 1024 + flow);
    view.setUint16(at + 36, 80);
    steering.steer(view, at, FRAME, 0);
    if (flow < rules) {
      const { protocol, source, destination, sourcePort, destinationPort } = steering.flow;
      const match = { protocol, source, destination, sourcePort, destinationPort };
      steering.addRule(match, flow % 8);
    }
    if (mode === 'rfs') steering.learned.learn(steering.flow, flow % 8, 0);
  }
  const start = performance.now();
  for (let i = 0; i < frames; i++) steering.steer(view, (i % FLOWS) * FRAME, FRAME, i);
  return frames / ((performance.now() - start) / 1e3);
}
