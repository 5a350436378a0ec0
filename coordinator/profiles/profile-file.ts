/**
 * One profile data file, read and checked: each number with its unit, grade and source, and where noise
 * applies its jitter with its own. Whatever is wrong is a usage error that names file, line and key.
 */
import type { Node } from 'yaml';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Jitter } from '../../node/spec/profile.js';
import { PS_PER_S } from '../../units/time.js';
import { closest } from '../options/closest.js';
import type { Field } from './profile-fields.js';
import { FIELD_BY_KEY, GROUPS } from './profile-fields.js';
import { parseQuantity, type Quantity } from '../options/quantity.js';
import { UsageError } from '../errors/usage-error.js';

/**
 * A raw tool output, vendor table or source code; B abstract or notes on a paper; C a paper from memory; D uncertain; X
 * arithmetic.
 */
const GRADES = ['A', 'B', 'C', 'D', 'X'] as const;
export type Grade = (typeof GRADES)[number];

/** Where a figure comes from, and how it stands in the file. */
export interface Provenance {
  readonly written: string;
  readonly grade: Grade;
  readonly source: string;
}

export interface Noise extends Provenance {
  readonly noise: Jitter;
}

export interface Entry extends Provenance {
  readonly field: Field;
  readonly value: Quantity;
  readonly jitter: Noise | null;
}

export interface ProfileFile {
  readonly title: string | null;
  readonly base: string | null;
  /** By key, such as `nic.dma_read`. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/** Reads a profile's text; `file` is how messages name it. */
export function parseProfileFile(text: string, file: string): ProfileFile {
  return new Reader(file).read(text);
}

const TOP_LEVEL = ['title', 'extends', ...GROUPS];
const JITTER_TIME = { kind: 'time', least: 0, most: PS_PER_S, allowed: null } as const;

/** A mapping's entries, and the mapping itself for messages about what it lacks. */
interface Mapping {
  readonly node: Node;
  readonly values: ReadonlyMap<string, Node>;
}

class Reader {
  private readonly file: string;
  private readonly lines = new LineCounter();

  constructor(file: string) {
    this.file = file;
  }

  read(text: string): ProfileFile {
    const document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false });
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault !== undefined) throw this.error(fault.pos[0], fault.message);
    const top = this.mapping(document.contents, 'a profile', TOP_LEVEL);
    const entries = new Map<string, Entry>();
    for (const group of GROUPS) {
      const node = top.values.get(group);
      if (node === undefined) continue;
      const keys = [...FIELD_BY_KEY.keys()].filter((key) => key.startsWith(`${group}.`));
      const names = keys.map((key) => key.slice(group.length + 1));
      for (const [name, value] of this.mapping(node, group, names, `${group}.`).values) {
        const key = `${group}.${name}`;
        entries.set(key, this.entry(value, FIELD_BY_KEY.get(key)!));
      }
    }
    return { title: this.text(top, 'title', ''), base: this.text(top, 'extends', ''), entries };
  }

  private entry(node: Node, field: Field): Entry {
    const { key } = field;
    const allowed = ['value', 'unit', 'grade', 'source', 'jitter'];
    const parts = this.mapping(node, key, allowed);
    const value = this.scalar(parts, 'value', key);
    const unit = this.text(parts, 'unit', key);
    const word = field.kind === 'choice' || value === 'unbounded';
    if (typeof value !== (word ? 'string' : 'number')) {
      throw this.error(at(parts, 'value'), `${key}: value must be a ${word ? 'word' : 'number'}`);
    }
    if (word ? unit !== null : unit === null) {
      throw this.error(at(parts, 'unit'), `${key}: ${word ? 'takes no' : 'has no'} unit`);
    }
    const written = unit === null ? String(value) : `${value} ${unit}`;
    const quantity = this.quantity(parts, 'value', written, field);
    const jitter = parts.values.get('jitter');
    if (jitter !== undefined && field.kind !== 'cost') {
      throw this.error(offset(jitter), `${key}: takes no jitter`);
    }
    return {
      field,
      value: quantity,
      written: field.kind === 'count' ? String(value) : written,
      ...this.provenance(parts, key),
      jitter: jitter === undefined ? null : this.jitter(jitter, `${key}.jitter`),
    };
  }

  /** An exponential of this mean, and with the probability given another of the tail's mean. */
  private jitter(node: Node, key: string): Noise {
    const allowed = ['mean', 'tail_probability', 'tail_mean', 'grade', 'source'];
    const parts = this.mapping(node, key, allowed);
    const time = (name: string): number => {
      const text = this.text(parts, name, key);
      if (text === null) throw this.error(at(parts, name), `${key}: has no ${name}`);
      return this.quantity(parts, name, text, { ...JITTER_TIME, key: `${key}.${name}` }) as number;
    };
    const mean = time('mean');
    const written = this.text(parts, 'mean', key)!;
    const provenance = this.provenance(parts, key);
    if (!parts.values.has('tail_probability') && !parts.values.has('tail_mean')) {
      return { noise: { mean, tailProbability: 0, tailMean: 0 }, written, ...provenance };
    }
    const probability = this.scalar(parts, 'tail_probability', key);
    if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
      const fault = `${key}: tail_probability must be between 0 and 1`;
      throw this.error(at(parts, 'tail_probability'), fault);
    }
    const tail = `${probability} x ${this.text(parts, 'tail_mean', key) ?? ''}`;
    return {
      noise: { mean, tailProbability: probability, tailMean: time('tail_mean') },
      written: mean === 0 ? tail : `${written} + ${tail}`,
      ...provenance,
    };
  }

  private provenance(parts: Mapping, key: string): { grade: Grade; source: string } {
    const source = this.text(parts, 'source', key);
    if (source === null || source.trim() === '') {
      throw this.error(at(parts, 'source'), `${key}: has no source`);
    }
    const grade = this.text(parts, 'grade', key);
    const known = GRADES.find((letter) => letter === grade);
    if (known === undefined) {
      throw this.error(at(parts, 'grade'), `${key}: grade must be one of ${GRADES.join(', ')}`);
    }
    return { grade: known, source: source.trim() };
  }

  private quantity(parts: Mapping, name: string, text: string, field: Field): Quantity {
    const quantity = parseQuantity(text, field);
    if (typeof quantity === 'object') {
      throw this.error(at(parts, name), `${field.key}: ${quantity.wrong}`);
    }
    return quantity;
  }

  private mapping(node: Node | null, what: string, known: string[], prefix = ''): Mapping {
    if (!isMap(node)) throw this.error(offset(node), `${what}: expected names and values`);
    const values = new Map<string, Node>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!known.includes(name)) {
        const near = closest(name, known) ?? closest(prefix + name, FIELD_BY_KEY.keys());
        const hint = near === undefined ? '' : `; did you mean ${near}?`;
        const where =
          prefix === '' ? `${what}: unknown name "${name}"` : `no such key ${prefix}${name}`;
        throw this.error(offset(key as Node), where + hint);
      }
      if (value === null || (isScalar(value) && value.value === null)) {
        const whose = prefix === '' ? `${what}: ${name}` : `${prefix}${name}:`;
        throw this.error(offset(key as Node), `${whose} has no value`);
      }
      values.set(name, value as Node);
    }
    return { node, values };
  }

  private scalar(parts: Mapping, name: string, key: string): string | number {
    const node = parts.values.get(name);
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' || typeof value === 'number') return value;
    throw this.error(at(parts, name), `${key}: has no ${name} that is a number or text`);
  }

  /** Text, or null if the name is not there. */
  private text(parts: Mapping, name: string, key: string): string | null {
    const node = parts.values.get(name);
    if (node === undefined) return null;
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    throw this.error(offset(node), `${key === '' ? '' : `${key}: `}${name} must be text`);
  }

  private error(position: number, message: string): UsageError {
    return new UsageError(`${this.file}:${this.lines.linePos(position).line}: ${message}`);
  }
}

/** Where a name's value stands, or the mapping that lacks it. */
const at = (parts: Mapping, name: string): number => offset(parts.values.get(name) ?? parts.node);

const offset = (node: Node | null): number => node?.range?.[0] ?? 0;
