/** A workload's parameters as `list` and `run NAME --help` show them: name, type, default, what it means and takes. */
import { parseRate } from '../../units/rate.js';
import { parseSize } from '../../units/size.js';
import { parseDuration } from '../../units/time.js';
import { formatParameter } from '../options/parameter-value.js';
import type { ParameterSpec, Workload } from '../../workloads/authoring/workload.js';

/** A line for the workload and one for each parameter, the columns aligned. */
export function listParameters(name: string, { summary, parameters }: Workload): string {
  const rows = Object.entries(parameters).map(([parameter, spec]) => [
    parameter,
    spec.type,
    shownDefault(spec),
    `${spec.help}${limits(spec)}`,
  ]);
  const widths = [0, 1, 2].map((at) => Math.max(0, ...rows.map((row) => row[at]!.length)));
  const lines = rows.map(
    (row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`,
  );
  return [`${name}: ${summary}`, ...lines, ''].join('\n');
}

/** A default may be written as a person would: `0ns`. */
function shownDefault({ type, default: value }: ParameterSpec): string {
  if (value === '') return '-';
  const read = { size: parseSize, duration: parseDuration, rate: parseRate }[type as string];
  const number = typeof value === 'string' ? read?.(value) : undefined;
  return formatParameter(number ?? value, type);
}

function limits({ choices, type, min, max }: ParameterSpec): string {
  if (choices !== undefined) return ` (${choices.join(', ')})`;
  const shown = (limit: number): string => formatParameter(limit, type);
  if (min !== undefined && max !== undefined) return ` (${shown(min)} to ${shown(max)})`;
  if (min !== undefined) return ` (from ${shown(min)})`;
  return max === undefined ? '' : ` (up to ${shown(max)})`;
}
