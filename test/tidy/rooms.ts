/** The rule of rooms: every file stands in one, and a room imports only from rooms above it. */
import { dirname } from 'node:path';
import type { Finding } from './exceptions.js';
import type { Import } from './imports.js';
import { type SourceTree, isTest, sourcesOf } from './source-tree.js';

export interface Room {
  /** The directory whose files it holds; a directory below it is another room unless `with` names it. */
  readonly name: string;
  readonly with?: readonly string[];
  /** The only files that may stand here. */
  readonly only?: readonly string[];
  /** Rooms above that it imports by value, and therefore also by type. */
  readonly values: readonly string[];
  /** Rooms above of which it knows types only. */
  readonly types?: readonly string[];
  /** Rooms below of which it knows types only, each with the reason: a cycle that vanishes when it is compiled. */
  readonly typesFromBelow?: Readonly<Record<string, string>>;
  /** Rooms that it may enter through these files only. */
  readonly through?: Readonly<Record<string, readonly string[]>>;
}

function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  // A package stands in none, though its name may have no directory, as a file at the root.
  if (!/\.[jt]s$/.test(path)) return undefined;
  const directory = dirname(path);
  return rooms.find((room) => room.name === directory || room.with?.includes(directory));
}

/** Files of code that stand in no room, or loose in a room that names its files. */
export function homelessFiles(tree: SourceTree, rooms: readonly Room[]): Finding[] {
  return sourcesOf(tree).flatMap(({ path }) => {
    const room = roomOf(path, rooms);
    if (room === undefined) {
      return [
        { key: path, says: `${path} stands in no room: ${dirname(path)} is not in the table` },
      ];
    }
    if (room.only === undefined || room.only.includes(path)) return [];
    return [
      { key: path, says: `${path} lies loose: ${room.name} holds only ${room.only.join(' ')}` },
    ];
  });
}

/** What is wrong with the table itself: it may name only rooms that exist, on the right side. */
export function tableFindings(tree: SourceTree, rooms: readonly Room[]): Finding[] {
  const place = new Map(rooms.map(({ name }, index) => [name, index]));
  const held = new Set(sourcesOf(tree).map(({ path }) => roomOf(path, rooms)?.name));
  return rooms.flatMap(({ name, values, types = [], typesFromBelow = {} }, index) => {
    const empty = held.has(name) ? [] : [`${name}: no file stands in this room`];
    const notAbove = [...values, ...types]
      .filter((other) => (place.get(other) ?? Infinity) >= index)
      .map((other) => `${name} imports ${other}, which is not a room above it`);
    const notBelow = Object.keys(typesFromBelow)
      .filter((other) => (place.get(other) ?? -1) <= index)
      .map((other) => `${name} knows types of ${other}, which is not a room below it`);
    return [...empty, ...notAbove, ...notBelow].map((says) => ({ key: name, says }));
  });
}

interface Edge {
  readonly source: Room;
  readonly target: Room;
  readonly one: Import;
}

/** Imports of sources that lead from one room to another. */
function edgesOf(imports: readonly Import[], rooms: readonly Room[]): Edge[] {
  return imports.flatMap((one) => {
    if (isTest(one.from)) return [];
    const source = roomOf(one.from, rooms);
    const target = roomOf(one.to, rooms);
    if (source === undefined || target === undefined || source === target) return [];
    return [{ source, target, one }];
  });
}

const keyOf = ({ one }: Edge): string => `${one.from} -> ${one.to}`;

/** Imports that the table does not allow. Sources import no tests. */
export function forbiddenImports(imports: readonly Import[], rooms: readonly Room[]): Finding[] {
  const wrong = edgesOf(imports, rooms).filter(({ source, target, one }) => {
    const { values, types = [], typesFromBelow = {}, through = {} } = source;
    if (through[target.name]?.includes(one.to) === false) return true;
    if (values.includes(target.name)) return false;
    return one.byValue || !(types.includes(target.name) || target.name in typesFromBelow);
  });
  const tests = imports
    .filter(({ from, to }) => !isTest(from) && isTest(to))
    .map(({ from, to }) => ({ key: `${from} -> ${to}`, says: `${from} imports a test, ${to}` }));
  return [
    ...wrong.map((edge) => ({
      key: keyOf(edge),
      says: `${edge.one.from} imports ${edge.one.byValue ? 'by value' : 'a type of'} ${edge.one.to}`,
    })),
    ...tests,
  ];
}

/** Cycles by type that the table allows and no file makes any more, and those without a reason. */
export function staleTypeCycles(imports: readonly Import[], rooms: readonly Room[]): Finding[] {
  const real = new Set(
    edgesOf(imports, rooms).map(({ source, target }) => `${source.name} ~> ${target.name}`),
  );
  return rooms.flatMap(({ name, typesFromBelow = {} }) =>
    Object.entries(typesFromBelow).flatMap(([other, reason]) => {
      const key = `${name} ~> ${other}`;
      if (!real.has(key)) return [{ key, says: `${key}: no file imports such a type any more` }];
      return reason.trim() === '' ? [{ key, says: `${key}: no reason is given` }] : [];
    }),
  );
}

/**
 * Rooms that reach themselves by real imports by value. The table excludes it; this does not read the table's
 * permissions, only which file stands where.
 */
export function valueCycles(imports: readonly Import[], rooms: readonly Room[]): Finding[] {
  const graph = new Map<string, Set<string>>();
  for (const { source, target, one } of edgesOf(imports, rooms)) {
    if (!one.byValue) continue;
    graph.set(source.name, (graph.get(source.name) ?? new Set()).add(target.name));
  }
  return [...graph.keys()].flatMap((room) => {
    const way = wayBack(graph, room);
    return way === undefined ? [] : [{ key: room, says: `a cycle by value: ${way.join(' -> ')}` }];
  });
}

/** The shortest way from a room to itself. */
function wayBack(graph: ReadonlyMap<string, Set<string>>, room: string): string[] | undefined {
  const ways = [[room]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of graph.get(way.at(-1)!) ?? []) {
      if (next === room) return [...way, room];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

/** Directories of tests that mirror no room and are none of the tests' own. */
export function unmirroredTests(tree: SourceTree, rooms: readonly Room[], own: readonly string[]) {
  const mirrored = new Set(rooms.flatMap((room) => [room.name, ...(room.with ?? [])]));
  const isOwn = (place: string) =>
    own.some((name) => place === name || place.startsWith(`${name}/`));
  return [...tree.values()]
    .filter(({ path, syntax }) => isTest(path) && syntax !== undefined)
    .map(({ path }) => ({ path, place: dirname(path).replace(/^test\/?/, '') }))
    .filter(({ place }) => place !== '' && !mirrored.has(place) && !isOwn(place))
    .map(({ path, place }): Finding => ({
      key: path,
      says: `${path}: no room is called ${place}`,
    }));
}
