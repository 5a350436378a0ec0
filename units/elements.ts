/**
 * How many of everything a cluster may have: the one place of these limits. An element is a host or a switch; hosts
 * have the numbers from 0 on, switches those that follow. Element numbers take 16 bits, in MAC addresses, in batches
 * between processes and in the keys of events (`sim/sequencer.ts`).
 */
export const MAX_ELEMENTS = 65_536;
/** One element at least is the switch between them. */
export const MAX_HOSTS = MAX_ELEMENTS - 1;
/** Cores of one host. */
export const MAX_CORES = 128;
/** OS processes of one cluster, and machines that join it: each has a socket to every other process. */
export const MAX_PROCESSES = 512;
