import { setTimeout as sleep } from 'node:timers/promises';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import type { ChannelSpec, Owner } from '../../src/domain';
import { ticksToMs } from '../../src/domain/media-time';
import { seededRandom } from '../../src/domain/seeded-random';
import type { DataPlane } from '../lib/data-plane';

const CALL = { timeoutMs: 10_000 };
const READY_WAIT_MS = 20_000;
/** Between two moves: so many GOPs, drawn with the seed. */
const PAUSE_GOPS = { least: 2, most: 4 };

export interface Move {
  kind: 'handoff' | 'kill';
  /** First GOP of the new owner. */
  firstGop: number;
  /** From the new session's first GOP to the release of the old one, in GOP durations; null after a kill. */
  overlapGops: number | null;
}

/** Handoffs and kills of one channel between two encoders, while a third encodes the same pictures undisturbed. */
export class SeamRun {
  readonly moves: Move[] = [];
  private owner!: Owner;

  constructor(
    private readonly options: {
      plane: DataPlane;
      moved: ChannelSpec;
      steady: ChannelSpec;
      seed: number;
      log(line: string): void;
    },
  ) {}

  /** Makes both channels known to relay and origin; to be called before anything is sent. */
  async register(): Promise<void> {
    const { plane, moved, steady } = this.options;
    const relay = new RelayClient(plane.relayUrl);
    const origin = new OriginClient(plane.originUrl);
    for (const spec of [moved, steady]) {
      await relay.register(spec, CALL);
      await origin.register(spec, CALL);
    }
  }

  async putOnAir(): Promise<void> {
    const { plane, moved, steady } = this.options;
    this.owner = await plane.takeOver(moved, 'enc-1');
    await plane.takeOver(steady, 'enc-3');
    await Promise.all([moved, steady].map(({ id }) => plane.published(id, 2)));
  }

  /** Makes the moves in an order drawn with the seed. */
  async perform(handoffs: number, kills: number): Promise<void> {
    const random = seededRandom(this.options.seed);
    const { least, most } = PAUSE_GOPS;
    for (let left = { handoffs, kills }; left.handoffs + left.kills > 0;) {
      const isKill = random() * (left.handoffs + left.kills) < left.kills;
      left = { handoffs: left.handoffs - (isKill ? 0 : 1), kills: left.kills - (isKill ? 1 : 0) };
      const move = isKill ? await this.kill() : await this.handOff();
      this.moves.push(move);
      const done = `${this.moves.length} of ${handoffs + kills}`;
      this.options.log(`${done}: ${move.kind}, first GOP ${move.firstGop} by ${this.owner.encoderId}`);
      await sleep(ticksToMs(this.options.moved.gopDurationTicks) * (least + random() * (most - least)));
    }
  }

  private get otherEncoder(): string {
    return this.owner.encoderId === 'enc-1' ? 'enc-2' : 'enc-1';
  }

  /** The steps of the handoff workflow: prepare, wait until it is ready, change the owner, commit, release. */
  private async handOff(): Promise<Move> {
    const { plane, moved } = this.options;
    const { id, gopDurationTicks } = moved;
    const old = this.owner;
    const before = await plane.channel(id);
    const beganAtMs = performance.now();
    const target = await plane.prepare(moved, this.otherEncoder, before);
    const session = await plane.encoder(target.encoderId).awaitReady(target.sessionId, READY_WAIT_MS);
    if (!session.ready) throw new Error(`${target.encoderId} did not keep up: it is not ready within 20 s`);
    const firstGop = await plane.own(id, target, await plane.channel(id));
    this.owner = target;
    await plane.published(id, firstGop);
    await plane.encoder(old.encoderId).release(old.sessionId);
    const overlapMs = performance.now() - beganAtMs;
    return { kind: 'handoff', firstGop, overlapGops: overlapMs / ticksToMs(gopDurationTicks) };
  }

  private async kill(): Promise<Move> {
    const { plane, moved } = this.options;
    const killed = this.owner.encoderId as 'enc-1' | 'enc-2';
    const back = plane.kill(killed);
    const { nextGop } = await plane.channel(moved.id);
    this.owner = await plane.takeOver(moved, this.otherEncoder);
    await Promise.all([plane.published(moved.id, nextGop), back]);
    return { kind: 'kill', firstGop: nextGop, overlapGops: null };
  }
}
