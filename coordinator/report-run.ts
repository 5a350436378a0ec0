/** The end of the report: what the run was, how to repeat it, and what the words and units mean. */
import { html, type Markup } from './html.js';
import type { Results } from './results.js';
import { shellCommand } from './shell-command.js';

export function runSection({ run, cluster }: Results): Markup {
  const facts: (readonly [string, string | undefined])[] = [
    ['seed', String(cluster.seed)],
    ['hardware profile', cluster.profile],
    ['clock', cluster.clock],
    ['hosts and cores', `${cluster.hosts} with ${cluster.cores} each`],
    ['topology', cluster.topology],
    ['largest packet payload (MTU)', `${cluster.mtu} B`],
    ['modelled system noise', cluster.noise],
    ['placement', `${run.placement}, cores as ${run.coreRuntime}`],
    ['started', run.when],
    ['start-up', `${run.start_s.toFixed(2)} s`],
    ['emulation took', `${run.wall_s.toFixed(2)} s`],
    ['events', String(run.events)],
    ['packets', String(run.packets)],
    ['pinwire', run.pinwire],
    ['Node.js', run.node],
  ];
  return html`<section>
    <h2>The run</h2>
    <dl>
      ${facts.flatMap(([term, fact]) =>
        fact === undefined
          ? []
          : html`<div>
              <dt>${term}</dt>
              <dd>${fact}</dd>
            </div> `,
      )}
    </dl>
    <p class="faint">Repeat it with</p>
    <pre>${shellCommand(run.argv, cluster.seed)}</pre>
  </section>`;
}

const KEY: readonly (readonly [string, string])[] = [
  ['median, p50', 'Half of the operations were at least this fast.'],
  [
    'p90, p99, p99.9',
    'So many percent of the operations were at least this fast; the rest is the tail.',
  ],
  ['stddev', 'Standard deviation: how far operations lie from the mean.'],
  ['ns, us, ms', 'Nanosecond, microsecond, millisecond: 1 us is 1000 ns.'],
  ['Gb/s', 'Gigabit per second: 1,000,000,000 bits of payload.'],
  ['KiB, MiB', '1024 bytes, 1024 × 1024 bytes.'],
  [
    'RDMA',
    'Remote direct memory access: NICs move data between the memories of two hosts without their kernels.',
  ],
  ['NIC', 'Network interface card.'],
  ['verified', 'The data that arrived, or the result, was compared with what it must be.'],
  ['trace hash', 'A fingerprint of every packet and its time: equal hashes, equal runs.'],
];

export const keySection = (): Markup =>
  html`<section>
    <h2>Words and units</h2>
    <dl class="key">
      ${KEY.map(
        ([term, meaning]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${meaning}</dd>
          </div> `,
      )}
    </dl>
  </section>`;
