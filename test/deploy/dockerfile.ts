/** The Dockerfile as the tests read it: stages of instructions, variables of its ARG lines filled in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser, type Flag, type Instruction } from 'dockerfile-ast';
import { ROOT } from './compose-file.js';

export interface Step {
  readonly keyword: string;
  /** Flags by name, as `from` of COPY. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows them: words of the shell form as they stand, or the items of the JSON form. */
  readonly words: readonly string[];
  /** What follows them, as one text. */
  readonly text: string;
}

export interface Stage {
  readonly name: string | undefined;
  readonly base: string;
  readonly steps: readonly Step[];
}

export const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

export function readStages(text: string = DOCKERFILE): Stage[] {
  const stages: { name: string | undefined; base: string; steps: Step[] }[] = [];
  const variables: Record<string, string> = {};
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = stepOf(instruction);
    if (step.keyword === 'ARG' && stages.length === 0) {
      const [name, value] = step.text.split('=');
      variables[name!] = value!;
    } else if (step.keyword === 'FROM') {
      const base = step.words[0]!.replace(/\$\{(\w+)\}/g, (_, name: string) => variables[name]!);
      stages.push({ base, name: step.words[2], steps: [] });
    } else {
      stages.at(-1)!.steps.push(step);
    }
  }
  return stages;
}

function stepOf(instruction: Instruction): Step {
  const given = (instruction as Instruction & { getFlags?: () => Flag[] }).getFlags?.() ?? [];
  const flags = Object.fromEntries(given.map((flag) => [flag.getName(), flag.getValue() ?? '']));
  const text = (instruction.getRawArgumentsContent() ?? '').replace(/\\\n/g, ' ');
  const words = text.startsWith('[')
    ? (JSON.parse(text) as string[])
    : text.split(/\s+/).filter((word) => word !== '');
  return { keyword: instruction.getKeyword(), flags, words, text };
}

/** The stage that becomes the image. */
export const finalStage = (stages: readonly Stage[] = readStages()): Stage => stages.at(-1)!;

/** The variables that its ENV lines set. */
export function environmentOf({ steps }: Stage): Record<string, string> {
  const pairs = steps
    .filter(({ keyword }) => keyword === 'ENV')
    .flatMap(({ words }) => words.map((word) => word.split('=') as [string, string]));
  return Object.fromEntries(pairs);
}

export const lastOf = ({ steps }: Stage, keyword: string): Step =>
  steps.filter((step) => step.keyword === keyword).at(-1)!;
