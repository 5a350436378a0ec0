/** The end of the report: what the run was, how to repeat it, and what the words and units mean. */
import { html, type Markup } from './html.js';
import type { Results } from './results.js';
import { formatBytes, formatSeconds, type CostInfo } from '../run/run-cost.js';
import { shellCommand } from '../terminal/shell-command.js';

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
    ${run.cost && costTable(run.cost)}
  </section>`;
}

/** Where the processes' wall time went. */
function costTable(cost: CostInfo): Markup {
  const { rounds, control_bytes: control, fabric_bytes: fabric, processes } = cost;
  return html`<h3 class="apart">What it cost to keep the processes synchronized</h3>
    <p class="gloss">
      Virtual time went forward in ${rounds} rounds: ${formatBytes(control)} of messages to and from
      the coordinator, ${formatBytes(fabric)} of packets in ${cost.fabric_messages} messages between
      the processes; “coordinator” is the way to it and back, “end” is when nothing was left to do.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>process</th>
            <th class="number">simulated</th>
            <th class="number">waited</th>
            <th>for</th>
          </tr>
        </thead>
        <tbody>
          ${processes.map(
            (each) =>
              html`<tr>
                <td>${each.process}</td>
                <td class="number">${formatSeconds(each.busy_s)}</td>
                <td class="number">${formatSeconds(each.waiting_s)}</td>
                <td>${waitsOf(each.for)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>`;
}

const waitsOf = (waits: Readonly<Record<string, number>>): string =>
  Object.entries(waits)
    .sort(([, a], [, b]) => b - a)
    .map(([whom, value]) => `${whom} ${formatSeconds(value)}`)
    .join(', ');

const KEY: readonly (readonly [string, string])[] = [
  ['median, p50', 'Half of the operations were at least this fast.'],
  [
    'p90, p99, p99.9',
    'This percentage of the operations was at least this fast; the rest is the tail.',
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
