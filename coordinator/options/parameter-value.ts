/** The value of a workload's parameter with its unit, by its type: `64 KiB`, `1.5 us`, `25 Gb/s`. */
import { formatSize } from '../../units/size.js';
import { formatDuration } from '../../units/time.js';

/** As it is where its type has no unit, or is not known. */
export function formatParameter(value: string | number | boolean, type?: string): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return value;
  switch (type) {
    case 'size':
      return formatSize(value);
    case 'duration':
      return formatDuration(value);
    case 'rate':
      return `${value} Gb/s`;
    default:
      return String(value);
  }
}
