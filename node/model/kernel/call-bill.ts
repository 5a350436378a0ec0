/** What one call has cost its core so far. A call that fails has cost what it did until then. */
export class CallBill {
  /** Beyond entering the kernel, in ps. */
  cost = 0;
  /** False for what is no system call: page faults, if any, are in `cost`. */
  entered = true;
}
