/**
 * Integers that were kept among doubles. V8 remembers which kinds of numbers an operation has seen: one double among
 * the indices that a function takes, even the first only, and the function divides and indexes in floating point for
 * the rest of the run (a modulo is then a call to `fmod`). So what is read from a `Float64Array` and is not a time
 * becomes an integer where it is read.
 */

/** The same number; where it fits in 31 bits and a sign, as an integer. */
export const whole = (value: number): number => {
  const integer = value | 0;
  return integer === value ? integer : value;
};
