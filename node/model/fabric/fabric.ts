/** The board of the fabric: constructs what one process has of it, and connects it. It has no behaviour. */
import type { Scheduler } from '../../../sim/scheduler.js';
import type { Profile } from '../../spec/profile.js';
import type { FramePool } from './frame-pool.js';
import type { HostInlet } from './host-inlet.js';
import type { Layout } from './layout.js';
import { OnwardLink } from './onward-link.js';
import { OutputPort, type OutgoingLink } from './output-port.js';
import type { Port } from './port.js';
import type { QueuePolicy } from './queue-policy.js';
import { Router } from './router.js';
import { Switch } from './switch.js';
import { Uplink } from './uplink.js';

export interface FabricParts {
  readonly layout: Layout;
  readonly profile: Profile;
  /** The hosts of this process. */
  readonly local: readonly number[];
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  /** Takes frames for other processes; null if there are none. */
  readonly remote: Port | null;
}

export class Fabric {
  readonly router: Router;
  private readonly parts: FabricParts;
  private readonly switches: readonly Switch[];
  private readonly policies: readonly QueuePolicy[];

  constructor(parts: FabricParts) {
    const { layout, profile, local, scheduler, pool, remote } = parts;
    this.parts = parts;
    this.router = new Router(layout, local, scheduler, pool, remote);
    this.policies = layout.switches.map(({ plan }) => plan.policy(profile, pool));
    this.switches = layout.switches.map((each) => {
      const made = new Switch(each, scheduler, pool);
      this.router.connect(each.element, made.sink);
      return made;
    });
    const isLocal = new Set(local);
    for (const [at, { peers, homes }] of layout.switches.entries()) {
      for (const [port, peer] of peers.entries()) {
        if (peer === undefined || peer.element === homes[port]) continue;
        if (!isLocal.has(homes[port]!)) continue;
        const isSwitch = peer.element >= layout.hosts;
        this.open(at, port, new OnwardLink(peer.element, isSwitch, profile, pool, this.router));
      }
    }
  }

  /** The way out of `host`, from its NIC's port on. */
  uplink(host: number): Port {
    const { layout, profile, pool } = this.parts;
    return new Uplink(host, layout, profile, pool, this.router);
  }

  /**
   * Brings what is for `host` to `inlet`. Answers with the output port towards it, where one is evaluated beside it.
   */
  attach(host: number, inlet: HostInlet): OutputPort | undefined {
    const { layout } = this.parts;
    this.router.connect(host, inlet.sink);
    const uplink = layout.uplinks[host];
    if (uplink === undefined || !layout.isLastPort(uplink.element, host)) return undefined;
    return this.open(uplink.element - layout.hosts, uplink.port, inlet);
  }

  private open(at: number, port: number, outgoing: OutgoingLink): OutputPort {
    const { profile, scheduler, pool } = this.parts;
    const { link } = profile;
    const opened = new OutputPort(port, link, this.policies[at]!, scheduler, pool, outgoing);
    this.switches[at]!.ports[port] = opened;
    return opened;
  }
}
