import { describe, expect, it } from 'vitest';
import { doAtOnce } from '../../../../workloads/authoring/portions.js';
import {
  checkItchFile,
  ItchFileError,
  type ItchFile,
} from '../../../../workloads/trading/wire-formats/itch-file.js';
import {
  ITCH_LAYOUTS,
  ITCH_TYPES,
} from '../../../../workloads/trading/wire-formats/itch-layouts.js';
import { add, cancel, framed, NINE_THIRTY, oneOfEach, remove, seeded } from './messages.js';

/** The file, or what is wrong with it; any other exception fails the test. */
function check(bytes: Uint8Array): ItchFile | ItchFileError {
  try {
    return doAtOnce(checkItchFile(bytes));
  } catch (error) {
    if (error instanceof ItchFileError) return error;
    throw error;
  }
}

const refusal = (bytes: Uint8Array): string => {
  const result = check(bytes);
  return result instanceof ItchFileError ? result.message : 'accepted';
};

describe('an ITCH file', () => {
  it('is counted whole', () => {
    const bytes = oneOfEach();
    const file = doAtOnce(checkItchFile(bytes));
    expect(file).toMatchObject({
      messages: 23,
      first: NINE_THIRTY,
      last: NINE_THIRTY,
      stepsBack: 0,
    });
    expect(file.end).toBe(bytes.length);
    expect(Object.keys(file.types)).toEqual([...ITCH_TYPES]);
  });

  it('is refused at the message where it is cut, wherever that is', () => {
    const bytes = oneOfEach();
    let start = 0;
    for (const type of ITCH_TYPES) {
      const end = start + 2 + ITCH_LAYOUTS[type].length;
      for (let cut = start + 1; cut < end; cut++) {
        expect(refusal(bytes.subarray(0, cut))).toMatch(new RegExp(`^byte ${start}: truncated`));
      }
      start = end;
    }
    expect(start).toBe(bytes.length);
  });

  it('is refused when it is empty', () => {
    expect(refusal(new Uint8Array(0))).toBe('byte 0: no message');
    expect(refusal(Uint8Array.of(0, 0))).toBe('byte 0: no message');
  });

  it('may end with a length of 0, and not go on behind it', () => {
    const bytes = framed([remove(1)]);
    const ended = Uint8Array.from([...bytes, 0, 0]);
    expect(doAtOnce(checkItchFile(ended))).toMatchObject({ messages: 1, end: bytes.length });
    expect(refusal(Uint8Array.from([...ended, 0]))).toMatch(/^byte 21: a length of 0/);
  });

  it('says which type or length is wrong', () => {
    const bytes = framed([remove(1), add(2, 'B', 1, 1)]);
    const broken = (offset: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      copy[offset] = value;
      return copy;
    };
    expect(refusal(broken(23, 0x7a))).toBe("byte 21: unknown message type 'z'");
    expect(refusal(broken(23, 0x07))).toBe('byte 21: unknown message type 0x7');
    expect(refusal(broken(22, 35))).toBe("byte 21: length 35, but a 'A' message has 36 bytes");
    expect(refusal(broken(21 + 2 + 19, 0x51))).toBe('byte 21: side is neither B nor S');
    expect(refusal(bytes)).toBe('accepted');
  });

  it('may step back in time by a little, which is counted, and not by much', () => {
    const at = (ns: number) => cancel(1, 1, { at: ns });
    const file = doAtOnce(checkItchFile(framed([at(5e9), at(4.5e9), at(4.6e9), at(5e9)])));
    expect(file).toMatchObject({ stepsBack: 2, first: 4.5e9, last: 5e9 });
    expect(refusal(framed([at(5e9), at(3.9e9)]))).toBe(
      'byte 25: time stamp 1.1 s before an earlier one',
    );
    expect(refusal(framed([at(86_400e9)]))).toBe('byte 0: time stamp past midnight');
  });

  it('with any byte changed is read or refused at an offset within it', () => {
    const random = seeded(1);
    const whole = oneOfEach();
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = whole.slice();
      for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      const result = check(bytes);
      if (result instanceof ItchFileError) {
        refused++;
        expect(result.offset).toBeGreaterThanOrEqual(0);
        expect(result.offset).toBeLessThan(bytes.length);
      } else {
        expect(result.messages).toBe(23);
      }
    }
    expect(refused).toBeGreaterThan(3_000);
    expect(refused).toBeLessThan(17_000);
  });

  it('of noise is refused', () => {
    const random = seeded(2);
    for (let round = 0; round < 2_000; round++) {
      const noise = Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () =>
        Math.floor(random() * 256),
      );
      expect(check(noise)).toBeInstanceOf(ItchFileError);
    }
  });
});
