import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Toxiproxy, type Proxy } from 'toxiproxy-node-client';
import { SwarmError } from '../../src/domain';
import type { PartRig } from '../../src/platform/processes/part-process';
import type { SwarmPorts } from '../../src/setup';
import type { LinkEffect, LinkName } from './faults';

/** Encoder hosts that a swarm may come to have: proxies stand ready for all of them. */
const MOST_ENCODERS = 8;
const READY_WITHIN_MS = 10_000;
const HOST = '127.0.0.1';

/** Ports of the proxies, above those of a swarm on the same base. */
const portsAbove = (base: number) => ({
  server: base,
  'orchestrator-origin': base + 1,
  'orchestrator-encoder': base + 2,
  'encoder-origin': base + 12,
  'encoder-relay': base + 22,
});

/** Toxics of each effect: `stream` is the direction of the bytes, seen from the one who connects. */
const toxicsOf = (
  effect: Exclude<LinkEffect, 'partition'>,
  amount: number,
): { type: string; attributes: object }[] => {
  switch (effect) {
    case 'blackhole':
      return [{ type: 'timeout', attributes: { timeout: 0 } }];
    case 'delay':
      return [{ type: 'latency', attributes: { latency: amount, jitter: Math.round(amount / 4) } }];
    case 'throttle':
      return [{ type: 'bandwidth', attributes: { rate: amount } }];
    case 'reset':
      return [{ type: 'reset_peer', attributes: { timeout: 0 } }];
  }
};

/** A Toxiproxy server with a proxy on each link of a swarm, and one of a link's own for each encoder host. */
export class Proxies {
  private readonly byName = new Map<string, Proxy>();

  private constructor(
    private readonly process: ChildProcess,
    private readonly swarmPorts: SwarmPorts,
    private readonly ports: ReturnType<typeof portsAbove>,
  ) {}

  /** @throws SwarmError unavailable when the server does not come up */
  static async start(options: {
    program: string;
    portBase: number;
    swarmPorts: SwarmPorts;
  }): Promise<Proxies> {
    const ports = portsAbove(options.portBase);
    const child = spawn(options.program, ['-host', HOST, '-port', String(ports.server)], {
      detached: true,
      stdio: 'ignore',
    });
    const failed = once(child, 'error').then(([error]) => (error as Error).message);
    const ended = once(child, 'exit').then(([status]) => `it ended with status ${status}`);
    const proxies = new Proxies(child, options.swarmPorts, ports);
    const client = new Toxiproxy(`http://${HOST}:${ports.server}`);
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        await proxies.create(client);
        return proxies;
      } catch (error) {
        const why = await Promise.race([failed, ended, sleep(100, null)]);
        if (why === null && Date.now() < deadline) continue;
        await proxies.stop();
        throw new SwarmError(
          'unavailable',
          `Toxiproxy (${options.program}) can't be used: ${why ?? (error as Error).message}.`,
          `Make ports ${ports.server} to ${ports.server + 31} free, or choose others with --port-base.`,
        );
      }
    }
  }

  /** Makes the parts of a swarm reach one another through these proxies. */
  get rig(): PartRig {
    const { ports, swarmPorts } = this;
    const place = (port: number): number => port - swarmPorts.encoderBase;
    const orchestrator = { SWARM_ORIGIN_URL: `http://${HOST}:${ports['orchestrator-origin']}` };
    return {
      variablesOf: (part, port) => {
        if (part === 'worker' || part === 'collector') return orchestrator;
        if (port === undefined) return {};
        return {
          ENCODER_ORIGIN_URL: `http://${HOST}:${ports['encoder-origin'] + place(port)}`,
          ENCODER_RELAY_URL: `http://${HOST}:${ports['encoder-relay'] + place(port)}`,
        };
      },
      encoderAddressOf: (port) => `${HOST}:${ports['orchestrator-encoder'] + place(port)}`,
    };
  }

  /** Place of the encoder host that the others reach at a port. */
  placeOf(proxyPort: number): number {
    return proxyPort - this.ports['orchestrator-encoder'];
  }

  /**
   * Spoils a link.
   * @param place of the encoder host, counted from its first port; null where the link has none
   * @returns repairs it
   */
  async spoil(
    link: LinkName,
    place: number | null,
    effect: LinkEffect,
    amount: number,
  ): Promise<() => Promise<void>> {
    const name = place === null ? link : `${link}-${place}`;
    const proxy = this.byName.get(name);
    if (!proxy) throw new Error(`no proxy ${name}`);
    if (effect === 'partition') {
      const body = { enabled: false, listen: proxy.listen, upstream: proxy.upstream };
      await proxy.update(body);
      return async () => void (await proxy.update({ ...body, enabled: true }));
    }
    const streams = effect === 'reset' ? (['downstream'] as const) : (['downstream', 'upstream'] as const);
    const toxics = await Promise.all(
      toxicsOf(effect, amount).flatMap(({ type, attributes }) =>
        streams.map((stream) =>
          proxy.addToxic({
            name: `${type}-${stream}`,
            type: type as 'latency',
            stream,
            toxicity: 1,
            attributes,
          }),
        ),
      ),
    );
    return async () => {
      await Promise.all(toxics.map((toxic) => toxic.remove()));
    };
  }

  /** Ends the server, and with it all connections through it. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null || !this.process.pid) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }

  private async create(client: Toxiproxy): Promise<void> {
    const { ports, swarmPorts } = this;
    const links: [name: string, listen: number, upstream: number][] = [
      ['orchestrator-origin', ports['orchestrator-origin'], swarmPorts.origin],
    ];
    for (let i = 0; i < MOST_ENCODERS; i += 1) {
      links.push(
        [`orchestrator-encoder-${i}`, ports['orchestrator-encoder'] + i, swarmPorts.encoderBase + i],
        [`encoder-origin-${i}`, ports['encoder-origin'] + i, swarmPorts.origin],
        [`encoder-relay-${i}`, ports['encoder-relay'] + i, swarmPorts.relay],
      );
    }
    for (const [name, listen, upstream] of links) {
      if (this.byName.has(name)) continue;
      const proxy = await client.createProxy({
        name,
        listen: `${HOST}:${listen}`,
        upstream: `${HOST}:${upstream}`,
      });
      this.byName.set(name, proxy);
    }
  }
}
