/** The types that an author gets from defineWorkload. What must not compile is marked so: `tsc` fails where it does. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { us, type Core, type Picoseconds, type Task } from '../../../node/program/verbs.js';
import {
  defineWorkload,
  type Parameters,
  type ParameterSpec,
  type ParametersOf,
  type Summary,
  type Workload,
} from '../../../workloads/authoring/workload.js';

const NOTHING: Summary = { verified: true, metrics: [] };
const PAIR = [
  { host: 0, core: 0, role: 'client' },
  { host: 1, core: 0, role: 'server' },
];

describe('the parameters of a workload', () => {
  it('have the types of their specs in its program, with no annotation but the core and the task', () => {
    const workload = defineWorkload({
      name: 'typed',
      summary: '',
      parameters: {
        size: { type: 'size', default: '64KiB', help: '' },
        turns: { type: 'integer', default: 10, help: '' },
        scale: { type: 'number', default: 1, help: '' },
        pause: { type: 'duration', default: us(1.5), help: '' },
        pace: { type: 'rate', default: '25Gbps', help: '' },
        inline: { type: 'boolean', default: false, help: '' },
        mode: { type: 'choice', choices: ['push', 'pull'], default: 'push', help: '' },
        feed: { type: 'file', default: '', help: '' },
        label: { type: 'text', default: '', help: '' },
      },
      check(_inputs, params) {
        expectTypeOf(params.feed).toEqualTypeOf<string>();
        return undefined;
      },
      machine({ turns }) {
        return { queues: turns };
      },
      place({ mode }) {
        expectTypeOf(mode).toEqualTypeOf<'push' | 'pull'>();
        return PAIR;
      },
      async program(core, task) {
        expectTypeOf(core).toEqualTypeOf<Core>();
        expectTypeOf(task.params).toEqualTypeOf<{
          readonly size: number;
          readonly turns: number;
          readonly scale: number;
          readonly pause: Picoseconds;
          readonly pace: number;
          readonly inline: boolean;
          readonly mode: 'push' | 'pull';
          readonly feed: string;
          readonly label: string;
        }>();
        await core.sleep(task.params.pause);
        // @ts-expect-error: there is no such parameter
        expectTypeOf(task.params.sise);
        // @ts-expect-error: no such choice
        if (task.params.mode === 'both') return [];
        // @ts-expect-error: a size is no duration
        await core.sleep(task.params.size);
        return [task.params.size];
      },
      summarise(results, params) {
        expectTypeOf(results).toEqualTypeOf<readonly number[][]>();
        expectTypeOf(params.turns).toEqualTypeOf<number>();
        return NOTHING;
      },
      compare([first]) {
        expectTypeOf(first!.params.mode).toEqualTypeOf<'push' | 'pull'>();
        return undefined;
      },
    });
    expectTypeOf(workload).toEqualTypeOf<Workload>();
    expect(workload.name).toBe('typed');
  });

  it('are what configurations makes of them, once it has', () => {
    defineWorkload({
      name: 'sizes',
      summary: '',
      parameters: { size: { type: 'text', default: '8,64', help: '' } },
      configurations({ size }) {
        expectTypeOf(size).toEqualTypeOf<string>();
        if (size === '') return 'size=: expected a list';
        return size.split(',').map((each) => ({ size: Number(each), of: size }));
      },
      place({ size }) {
        expectTypeOf(size).toEqualTypeOf<number>();
        return PAIR;
      },
      program: async (_core, { params }) => {
        expectTypeOf(params).toEqualTypeOf<{ size: number; of: string }>();
        return params.size;
      },
      summarise: ([first], params) => {
        expectTypeOf(first).toEqualTypeOf<number | undefined>();
        expectTypeOf(params.size).toEqualTypeOf<number>();
        return NOTHING;
      },
    });
  });

  it('are read from specs that stand apart, as a constant', () => {
    const PARAMETERS = {
      op: { type: 'choice', choices: ['add', 'swap'], default: 'add', help: '' },
      count: { type: 'integer', default: 1, help: '' },
    } as const satisfies Record<string, ParameterSpec>;
    type Asked = ParametersOf<typeof PARAMETERS>;
    expectTypeOf<Asked>().toEqualTypeOf<{ readonly op: 'add' | 'swap'; readonly count: number }>();
    defineWorkload({
      name: 'apart',
      summary: '',
      parameters: PARAMETERS,
      place: () => PAIR,
      program: async (_core, task) => {
        expectTypeOf(task.params).toEqualTypeOf<Asked>();
      },
      summarise: () => NOTHING,
    });
  });

  it('must be specs: an unknown type is refused where it stands', () => {
    defineWorkload({
      name: 'wrong',
      summary: '',
      // @ts-expect-error: no such type
      parameters: { size: { type: 'bytes', default: 1, help: '' } },
      place: () => PAIR,
      program: async () => undefined,
      summarise: () => NOTHING,
    });
  });
});

describe('what is asked for and what one run gets', () => {
  it('may be an interface of its own', () => {
    interface One {
      readonly size: number;
      readonly path?: string;
    }
    const configurations = ({ size }: { readonly size: string }): One[] => [{ size: Number(size) }];
    const workload = defineWorkload({
      name: 'interface',
      summary: '',
      parameters: { size: { type: 'text', default: '8', help: '' } },
      configurations,
      place: () => PAIR,
      program: async (_core, { params }) => {
        expectTypeOf(params).toEqualTypeOf<One>();
      },
      summarise: (_results, params) => ({ ...NOTHING, note: String(params.size) }),
    });
    expect(workload.configurations!({ size: '8' }, {} as never)).toEqual([{ size: 8 }]);
  });

  it('holds numbers, texts and booleans: it travels to every process', () => {
    defineWorkload({
      name: 'unsendable',
      summary: '',
      parameters: {},
      // @ts-expect-error: a Map is no value of a parameter
      configurations: () => [{ sizes: new Map<string, number>() }],
      place: () => PAIR,
      program: async () => undefined,
      summarise: () => NOTHING,
    });
  });
});

describe('a workload that says its types itself, as all did before they were inferred', () => {
  interface Mine {
    readonly size: number;
  }
  interface Report {
    readonly sum: number;
  }
  async function program(_core: Core, { params }: Task<Mine>): Promise<Report> {
    return { sum: params.size };
  }
  const PARAMETERS: Readonly<Record<string, ParameterSpec>> = {
    size: { type: 'size', default: 8, help: '' },
  };

  it('keeps its own words: what it names is not checked against the specs', () => {
    const workload = defineWorkload({
      name: 'own',
      summary: '',
      parameters: PARAMETERS,
      configurations: (params: Parameters): Parameters[] | string => [{ ...params, more: true }],
      place: (params) => (Number(params['size']) > 0 ? PAIR : []),
      program,
      summarise(results: readonly unknown[], params: Parameters) {
        const [first] = results as Report[];
        return { ...NOTHING, verified: first!.sum === (params as unknown as Mine).size };
      },
    });
    const summary = workload.summarise([{ sum: 8 }], { size: 8 }, {} as never, new Map());
    expect(summary.verified).toBe(true);
  });

  it('may cast what is inferred now to what it says', () => {
    defineWorkload({
      name: 'casts',
      summary: '',
      parameters: { size: { default: 8, type: 'size', help: '' } },
      place: () => PAIR,
      program,
      summarise(results) {
        expectTypeOf(results).toEqualTypeOf<readonly Report[]>();
        const [first, second] = results as Awaited<ReturnType<typeof program>>[];
        const rest = results as [Report, ...Report[]];
        return { ...NOTHING, verified: first!.sum === second!.sum && rest.length === 2 };
      },
    });
  });

  it('may be annotated as a Workload, and summed up by one function for several', () => {
    const summarise = (results: readonly unknown[]): Summary => ({
      ...NOTHING,
      note: String(results.length),
    });
    const workload: Workload = {
      name: 'plain',
      summary: '',
      parameters: {},
      place: () => PAIR,
      program,
      summarise,
    };
    expectTypeOf(defineWorkload(workload)).toEqualTypeOf<Workload>();
  });
});
