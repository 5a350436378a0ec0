/**
 * The image without an engine: the Dockerfile's own steps, each stage in a root of its own, and containers of the
 * result. A base image is this computer's file system under an overlay that keeps every change; all of them are mounted
 * in a mount namespace that one process holds, and go with it, whatever becomes of the test.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { posix, join } from 'node:path';
import type { Service } from '../../deploy/compose-file.js';
import { wordsOf } from '../../deploy/compose-file.js';
import {
  environmentOf,
  lastOf,
  readStages,
  type Stage,
  type Step,
} from '../../deploy/dockerfile.js';
import { Pinwire, ROOT } from '../pinwire.js';

/** Where the overlays lie, inside the namespace. */
const PLACE = '/mnt';
/** What `npm ci` may know of its surroundings: where its registry and cache are, and nothing of this checkout. */
const HANDED_ON =
  /^(path|home|(https?|no)_proxy|node_extra_ca_certs|npm_config_(registry|cache|userconfig|cafile))$/i;
/** One step of the Dockerfile takes no longer. */
const STEP_MS = 240_000;

export interface ContainerOptions {
  /** Arguments for the entrypoint, instead of the service's command. */
  readonly args?: readonly string[];
  /** Instead of the entrypoint and its arguments. */
  readonly instead?: readonly string[];
  /** A command that starts another in the container's network. */
  readonly network?: readonly string[];
  /** What the service's secrets hold, by name; empty for others, as /dev/null is. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export class Image {
  readonly stage: Stage;
  private readonly holder: ChildProcess;
  private readonly root: string;
  private secrets = 0;

  /** Builds it. Throws if a step fails, with what it printed. */
  constructor() {
    this.holder = spawn('unshare', ['--mount', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const stages = readStages();
    this.stage = stages.at(-1)!;
    try {
      this.shell(`mount -t tmpfs tmpfs ${PLACE} && mkdir ${PLACE}/volumes`);
      const roots = new Map<string, string>();
      for (const [index, stage] of stages.entries()) {
        const root = `${PLACE}/stage${index}`;
        this.makeBase(root);
        this.take(stage, root, roots);
        if (stage.name !== undefined) roots.set(stage.name, root);
      }
      this.root = `${PLACE}/stage${stages.length - 1}`;
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Everything goes with the namespace. */
  remove(): void {
    this.holder.kill('SIGKILL');
  }

  /** A shell command's output in the image, as root. */
  inside(command: string): string {
    return this.shell(`chroot ${this.root} /bin/sh -c "$1"`, [command]);
  }

  /**
   * Whether the image's health check passes for a container of the service, asked in its network; or for another page.
   */
  async isHealthy(service: Service, network: readonly string[], url?: string): Promise<boolean> {
    const { text } = lastOf(this.stage, 'HEALTHCHECK');
    const instead = JSON.parse(text.replace(/^CMD\s+/, '')) as string[];
    const asked = url === undefined ? {} : { PINWIRE_HEALTH_URL: url };
    const checked = { ...service, environment: { ...service.environment, ...asked } };
    return (await this.start(checked, { instead, network }).ended).code === 0;
  }

  /** A file of a volume. */
  read(volume: string, file: string): string {
    return this.shell('cat "$1"', [`${PLACE}/volumes/${volume}/${file}`]);
  }

  /** Gives the image's /etc/hosts these lines, as an engine does by its name service. */
  name(lines: readonly string[]): void {
    this.shell(`printf '%s\\n' "$@" > ${this.root}/etc/hosts`, lines);
  }

  /**
   * Starts a container of a compose service: its command, environment and volumes, its file system read-only but for
   * those and /tmp, its user without capabilities; the program is process 1.
   */
  start(service: Service, options: ContainerOptions = {}): Container {
    const { args, instead, network = [], secrets = {} } = options;
    const environment = { ...environmentOf(this.stage), ...service.environment };
    const mounts = [
      ...(service.volumes ?? []).map((volume) => this.mountOf(volume as string)),
      ...(service.secrets ?? []).map((name) => this.secretOf(name, secrets[name] ?? '', service)),
    ];
    const script = [
      'set -e',
      // The namespace is a copy; what is read-only in it is so for this container alone.
      `mount --bind ${this.root} ${this.root}`,
      `mount -o remount,bind,ro ${this.root}`,
      `mount -t tmpfs tmpfs ${this.root}/tmp`,
      `mount -t proc proc ${this.root}/proc`,
      `mount --bind /dev ${this.root}/dev`,
      ...mounts,
      `exec chroot ${this.root} "$@"`,
    ].join('\n');
    const user = service.user ?? lastOf(this.stage, 'USER').text;
    const [uid, gid = uid] = user.split(':') as [string, string?];
    const command = [
      ...[...network, ...this.within(), 'unshare', '--mount', '--pid', '--fork', '--kill-child'],
      ...['sh', '-c', script, 'sh'],
      ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'],
      ...['--bounding-set=-all', '--inh-caps=-all'],
      ...['env', '-i', `PATH=${process.env['PATH']!}`],
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(instead ?? [...lastOf(this.stage, 'ENTRYPOINT').words, ...(args ?? wordsOf(service))]),
    ];
    return new Container(command);
  }

  private mountOf(volume: string): string {
    const [name, path, mode] = volume.split(':') as [string, string, string?];
    const source = `${PLACE}/volumes/${name}`;
    // A new volume has the owner and mode of the directory that it is mounted on.
    return [
      `[ -d ${source} ] || cp -aT ${this.root}${path} ${source}`,
      `mount --bind ${source} ${this.root}${path}`,
      ...(mode === 'ro' ? [`mount -o remount,bind,ro ${this.root}${path}`] : []),
    ].join('\n');
  }

  /** Mounted as Compose does: a file of its keeper, with that file's mode. */
  private secretOf(name: string, text: string, { user = '1000' }: Service): string {
    const source = `${PLACE}/secrets/${this.secrets++}`;
    const target = `${this.root}/run/secrets/${name}`;
    this.shell(
      `mkdir -p ${PLACE}/secrets ${posix.dirname(target)}
       printf %s "$1" > ${source}
       chmod 600 ${source}
       chown ${user} ${source}
       touch ${target}`,
      [text],
    );
    return `mount --bind ${source} ${target}`;
  }

  /** This computer, as a base image: unchanged below, with the user that Node's images have. */
  private makeBase(root: string): void {
    this.shell(`
      mkdir ${root} ${root}.changes ${root}.work
      mount -t overlay overlay -o lowerdir=/,upperdir=${root}.changes,workdir=${root}.work ${root}
      mount --bind /dev ${root}/dev
      mount -t proc proc ${root}/proc
      mkdir -p ${root}/tmp
      chmod 1777 ${root}/tmp
      printf 'root:x:0:0:root:/root:/bin/sh\\nnode:x:1000:1000::/home/node:/bin/sh\\n' > ${root}/etc/passwd
    `);
  }

  private take(stage: Stage, root: string, roots: ReadonlyMap<string, string>): void {
    let directory = '/';
    const environment = environmentOf(stage);
    for (const step of stage.steps) {
      if (step.keyword === 'WORKDIR') {
        directory = posix.resolve(directory, step.text);
        this.shell(`mkdir -p "${root}$1"`, [directory]);
      } else if (step.keyword === 'RUN') {
        const command = `cd ${directory} && ${step.text}`;
        this.shell(`chroot ${root} /bin/sh -ec "$1" 2>&1`, [command], environment);
      } else if (step.keyword === 'COPY') {
        this.copy(step, root, directory, roots.get(step.flags['from'] ?? ''));
      }
    }
  }

  private copy(step: Step, root: string, directory: string, from = ROOT): void {
    const sources = step.words.slice(0, -1);
    const target = step.words.at(-1)!;
    const place = root + posix.resolve(directory, target);
    for (const source of sources) {
      const path = join(from, source);
      // What another stage made is seen only inside the namespace; here it is always a directory.
      const isDirectory = from !== ROOT || statSync(path).isDirectory();
      const into = isDirectory || target.endsWith('/');
      this.shell(`mkdir -p "${into ? place : posix.dirname(place)}"`);
      this.shell('cp -r --preserve=mode,links "$1" "$2"', [
        isDirectory ? `${path}/.` : path,
        place,
      ]);
    }
  }

  private shell(
    script: string,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): string {
    const handedOn = Object.entries(process.env).filter(([name]) => HANDED_ON.test(name));
    const [file, ...rest] = [...this.within(), 'sh', '-ec', script, 'sh', ...args];
    try {
      return execFileSync(file!, rest, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: STEP_MS,
        env: { npm_config_prefer_offline: 'true', ...Object.fromEntries(handedOn), ...environment },
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${[script, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error });
    }
  }

  private within(): string[] {
    return ['nsenter', `--mount=/proc/${this.holder.pid!}/ns/mnt`];
  }
}

/** A process of its own numbering: the program is process 1 in it. */
export class Container extends Pinwire {
  constructor(command: readonly string[]) {
    super(command.slice(1), { file: command[0]! });
  }

  /** What an engine does to stop it. */
  terminate(): void {
    const children = readFileSync(
      `/proc/${this.child.pid!}/task/${this.child.pid!}/children`,
      'utf8',
    );
    process.kill(Number(children.trim()), 'SIGTERM');
  }
}

/** Why no image can be built here; empty if one can. */
export function whyNoImage(): string {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  const script = `mount -t tmpfs tmpfs ${PLACE} && cd ${PLACE} && mkdir a b c && mount -t overlay overlay -o lowerdir=/,upperdir=a,workdir=b c`;
  const { error, status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'no unshare command: install util-linux';
  return status === 0 ? '' : stderr.trim().split('\n')[0]!;
}
