/**
 * What a machine that joined counts for Prometheus: whether it is joined, and its own process. Its hosts are the
 * coordinator's to tell of.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { AGENT_FAMILIES, FAMILIES } from './metric-families.js';
import { VERSION } from '../terminal/version.js';

export class AgentMetrics {
  private readonly registry = new Registry();

  constructor(isJoined: () => boolean) {
    const registers = [this.registry];
    const { build } = FAMILIES;
    const { joined } = AGENT_FAMILIES;
    new Gauge({ name: build.name, help: build.help, labelNames: build.labels, registers }).set(
      { version: VERSION, node: process.version },
      1,
    );
    new Gauge({
      name: joined.name,
      help: joined.help,
      registers,
      collect() {
        this.set(isJoined() ? 1 : 0);
      },
    });
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  render(): Promise<string> {
    return this.registry.metrics();
  }
}
