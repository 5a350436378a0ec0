/** How a hardware profile travels. Its loader has checked each value; here the shape is. */
import {
  dictionary,
  isRecord,
  mapped,
  record,
  text,
  type Shape,
} from '../../wire/control/shape.js';
import type { Profile } from './profile.js';

/** A cost is a record, a time or a rate a number, a choice a word. */
function isConstant(value: unknown): value is number | string | object {
  if (typeof value === 'string') return true;
  if (typeof value === 'number') return !Number.isNaN(value);
  return isRecord(value) && Number.isSafeInteger(value['ps']);
}

const group = dictionary(isConstant);
const GROUPS = {
  cpu: group,
  pcie: group,
  nic: group,
  link: group,
  switch: group,
  memory: group,
  cache: group,
  kernel: group,
  iommu: group,
  bypass: group,
  vm: group,
  management: group,
} satisfies Record<Exclude<keyof Profile, 'name' | 'title'>, unknown>;

export const PROFILE: Shape<Profile> = mapped(
  record('profile', { name: text(), title: text(), ...GROUPS }),
  (groups) => groups as unknown as Profile,
);
