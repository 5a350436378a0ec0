/** SECURITY.md says what the code does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOOR_LIMITS } from '../node/door/door-limits.js';

const text = readFileSync(join(import.meta.dirname, '..', 'SECURITY.md'), 'utf8');

describe('SECURITY.md', () => {
  it('has the limits of the table that doors keep', () => {
    const told = [...text.matchAll(/^\|.*\| *(\d+) *\| `(\w+)` *\|$/gm)].map(
      ([, value, name]) => [name!, Number(value)] as const,
    );
    expect(told.length).toBeGreaterThan(8);
    const kept: Readonly<Record<string, number>> = { ...DOOR_LIMITS };
    for (const [name, value] of told) expect({ name, value }).toEqual({ name, value: kept[name] });
  });

  it('leaves out none but how limits are kept', () => {
    const inner = ['addresses', 'burstSeconds', 'stalledBytes', 'lookMs'];
    const missing = Object.keys(DOOR_LIMITS).filter((name) => !text.includes(`\`${name}\``));
    expect(missing.sort()).toEqual(inner.sort());
  });
});
