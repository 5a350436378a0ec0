/** What each stage of a latency is, in a few words, for first-time readers of a waterfall. */
import type { StageName } from '../../sim/stages.js';

const GLOSSARY: Readonly<Record<StageName, string>> = {
  backlog: 'due, but the program was behind',
  compute: "the program's own work",
  post: 'the program writes the request',
  doorbell: 'the program tells the NIC, over PCIe',
  wqe_fetch: 'the NIC reads the request',
  payload_fetch: 'the NIC reads the data',
  nic_wait: 'the NIC is busy with others',
  nic_tx: 'the NIC makes packets',
  serialize: 'bits go onto the wire',
  propagate: 'light goes down the cable',
  switch: 'the switch forwards',
  queue: 'waiting behind other packets',
  nic_rx: 'the NIC takes packets in',
  translate: 'virtual address to physical',
  payload_write: 'the NIC writes the data to memory',
  atomic: 'the NIC does the atomic operation',
  cqe_write: 'the NIC writes the completion',
  poll: 'until the program sees it',
  ack: "the peer's acknowledgement",
  retry: 'lost, refused or timed out; again',
  syscall: 'into the kernel and back',
  copy: 'the kernel copies the data',
  stack: "the kernel's network stack",
  irq: 'the interrupt reaches a core',
  softirq: 'the kernel processes the packet',
  wakeup: 'the program is scheduled again',
};

/** Empty for a stage of a later version. */
export const stageGloss = (name: string): string =>
  Object.hasOwn(GLOSSARY, name) ? GLOSSARY[name as StageName] : '';
