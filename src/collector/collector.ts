import type { FleetEncoder } from '../contracts/fleet';
import type { OriginChannel } from '../contracts/origin';
import type { EncoderTelemetry } from '../domain';
import { deadlinesMs } from '../observation/deadlines';
import type { PartReadings } from '../observation/part-readings';
import { monotonicMs } from '../platform/clock';
import type { Logger } from '../platform/logger';
import type { Point, TelemetryStore } from '../telemetry';
import { CdnReplay } from './audience/cdn-replay';
import type { AudienceFeed } from './audience/feed';
import { EncoderWatch } from './encoder-watch';
import { channelPoint, encoderPoints, encodingPoints, storagePoint } from './measurement-points';
import { OwnLateness } from './own-lateness';
import { PointPace } from './point-pace';
import { Sentinel, type SentinelEvent } from './sentinel';

const POLL_MS = 1_000;
/** A process that was this late itself was starved: that an encoder was not heard meanwhile proves nothing. */
const STARVED_MS = 500;
/** What one poll writes at the most, a second apart: a tenth of what InfluxDB takes on one core. */
const MOST_POINTS_PER_POLL = 10_000;
/** Of a channel: its own, that of its session, and that of a new GOP. */
const POINTS_PER_CHANNEL = 3;
/** A channel that published within this time is on air. */
const ON_AIR_MS = 10_000;

export interface CollectorParts {
  cell: string;
  readings: PartReadings;
  store: TelemetryStore;
  stepSeconds: number;
  log: Logger;
  /** Null where somebody else writes the audience. */
  audience: AudienceFeed | null;
  onEvent(event: SentinelEvent): void;
}

interface Watched {
  incarnation: string;
  watch: EncoderWatch;
}

const incarnationOf = (e: FleetEncoder): string => `${e.grpcAddress} ${e.pid} ${e.startedAtMs} ${e.restarts}`;

/**
 * Asks every encoder of the fleet and the origin once a second, writes what they say to the store, and keeps the
 * sentinel informed. A part that does not answer is left out of that poll; the others are not held up beyond its
 * deadline.
 */
export class Collector {
  readonly sentinel: Sentinel;
  private readonly watched = new Map<string, Watched>();
  private channels: OriginChannel[] = [];
  /** The GOP whose cost was written last, by channel. */
  private readonly costedGop = new Map<string, number>();
  private timer: NodeJS.Timeout | null = null;
  private polling: Promise<void> | null = null;
  private writing: Promise<void> | null = null;
  private readonly cdn: CdnReplay;
  private readonly lateness = new OwnLateness();
  private readonly pace = new PointPace(MOST_POINTS_PER_POLL);
  /** Monotonic. */
  private dueAtMs = 0;
  private stopped = false;
  lastPollAtMs: number | null = null;

  constructor(private readonly parts: CollectorParts) {
    this.cdn = new CdnReplay({
      cell: parts.cell,
      stepSeconds: parts.stepSeconds,
      inputs: parts.store.inputs,
      viewersAt: (id, atMs) => parts.audience?.viewersAt(id, atMs) ?? null,
    });
    this.sentinel = new Sentinel((told) => {
      // It is fed with monotonic time; others read when it was on the wall clock.
      const event = { ...told, payload: { ...told.payload, atMs: Date.now() } } as SentinelEvent;
      parts.log.warn(event, event.signal);
      parts.onEvent(event);
    });
  }

  start(): void {
    this.dueAtMs = monotonicMs();
    this.lateness.start();
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.lateness.stop();
    if (this.timer) clearTimeout(this.timer);
    await this.polling;
    await this.writing;
    for (const { watch } of this.watched.values()) watch.close();
    this.watched.clear();
  }

  private schedule(inMs: number): void {
    const mark = this.lateness.mark();
    this.timer = setTimeout(() => {
      this.polling = this.poll(mark)
        .catch((error: unknown) => this.parts.log.error({ err: error }, 'poll failed'))
        .then(() => {
          const now = monotonicMs();
          this.dueAtMs = Math.max(now, this.dueAtMs + POLL_MS);
          if (!this.stopped) this.schedule(this.dueAtMs - now);
        });
    }, inMs);
  }

  /** @param mark from when on this process must have been in time, for silence to count */
  private async poll(mark: number): Promise<void> {
    const [storage] = await Promise.all([
      this.parts.readings.storage.now(),
      this.readFleet(),
      this.readOrigin(),
    ]);
    const answers = await Promise.all(
      [...this.watched].map(async ([id, { watch }]) => ({
        id,
        watch,
        telemetry: await this.ask(id, watch, mark),
      })),
    );
    const atMs = Date.now();
    const telemetryOf = new Map(answers.map((a) => [a.id, a.telemetry]));
    const regionOf = new Map(answers.map((a) => [a.id, a.watch.info.region]));
    const { cell } = this.parts;
    this.pace.begin(answers.length + POINTS_PER_CHANNEL * this.channels.length);
    const points = [
      ...answers.flatMap(({ watch, telemetry }, place) =>
        this.pace.isDue(place) ? encoderPoints(cell, watch.info, telemetry, atMs) : [],
      ),
      ...(await this.channelPoints(telemetryOf, regionOf, atMs)),
      ...(storage.value ?? []).map((report) => storagePoint(cell, report, atMs)),
    ];
    this.lastPollAtMs = atMs;
    this.writing ??= this.writeAudience(regionOf, atMs).finally(() => (this.writing = null));
    this.keep(points);
  }

  /** Not waited for: a slow database must not hold up the sentinel. The store's buffer is bounded. */
  private keep(points: Point[]): void {
    this.parts.store
      .write(points)
      .catch((error: unknown) => this.parts.log.error({ err: error }, 'points not written'));
  }

  private async readFleet(): Promise<void> {
    const { value: fleet, fault } = await this.parts.readings.fleet.now();
    if (fault || !fleet) {
      this.parts.log.debug({ err: fault }, 'fleet not read; the known encoders are asked');
      return;
    }
    const atMs = monotonicMs();
    for (const encoder of fleet) {
      const incarnation = incarnationOf(encoder);
      const running = encoder.state === 'running' || encoder.state === 'starting';
      this.sentinel.fleetSays(encoder.id, incarnation, running, atMs);
      if (this.watched.get(encoder.id)?.incarnation === incarnation) continue;
      this.watched.get(encoder.id)?.watch.close();
      const watch = new EncoderWatch(encoder, () => void this.confirmLoss(encoder.id));
      this.watched.set(encoder.id, { incarnation, watch });
    }
    const ids = new Set(fleet.map((e) => e.id));
    const owners = new Set(this.channels.flatMap((c) => c.owner?.encoderId ?? []));
    this.sentinel.fleetHasOnly(ids, owners, atMs);
    for (const [id, { watch }] of this.watched) {
      if (ids.has(id)) continue;
      watch.close();
      this.watched.delete(id);
    }
  }

  private async readOrigin(): Promise<void> {
    const { readings, log } = this.parts;
    const { value, fault } = await readings.origin.now();
    if (fault || !value) {
      log.debug({ err: fault }, 'origin not read');
      return;
    }
    this.channels = [...value].sort((a, b) => (a.id < b.id ? -1 : 1));
    readings.newestGops.keepOnly(value.map(({ id }) => id));
  }

  /** Asks an encoder, once more if it is silent, and hands the answer to the sentinel. */
  private async ask(encoderId: string, watch: EncoderWatch, mark: number): Promise<EncoderTelemetry | null> {
    for (const isSecondTry of [false, true]) {
      try {
        const telemetry = await watch.poll();
        await this.judge(encoderId, telemetry);
        return telemetry;
      } catch (error) {
        if (this.lateness.since(mark) < STARVED_MS)
          this.sentinel.missed(encoderId, (error as Error).message, monotonicMs());
        if (isSecondTry || !this.sentinel.isAlive(encoderId)) return null;
      }
    }
    return null;
  }

  /** Owners are read again where an encoder lacks a session that should be on air: the poll's may be older. */
  private async judge(encoderId: string, telemetry: EncoderTelemetry): Promise<void> {
    const before = this.sentinel.sessionsBefore(encoderId);
    const atMs = monotonicMs();
    this.sentinel.answered(encoderId, telemetry, atMs);
    const isOnAir = (sessionId: string): boolean =>
      telemetry.sessions.some((s) => s.sessionId === sessionId && s.state !== 'failed');
    const owned = this.channels.filter((c) => c.owner?.encoderId === encoderId);
    const suspect = owned.filter((c) => c.owner && !isOnAir(c.owner.sessionId));
    let current = owned;
    if (suspect.length > 0) {
      const { origin } = this.parts.readings.clients;
      const options = { timeoutMs: deadlinesMs.observe };
      const read = await Promise.allSettled(suspect.map((c) => origin.channel(c.id, options)));
      const confirmed = new Map(
        read.flatMap((r) => (r.status === 'fulfilled' ? [[r.value.id, r.value] as const] : [])),
      );
      current = owned.flatMap((c) => (suspect.includes(c) ? (confirmed.get(c.id) ?? []) : [c]));
    }
    this.sentinel.compareOwners(encoderId, telemetry, before, current, atMs);
  }

  /** Its health watch broke: if it does not answer either, there is no need to wait for more silence. */
  private async confirmLoss(encoderId: string): Promise<void> {
    const watch = this.watched.get(encoderId)?.watch;
    if (!watch || !this.sentinel.isAlive(encoderId)) return;
    const mark = this.lateness.mark();
    try {
      await watch.probe();
    } catch (error) {
      if (this.watched.get(encoderId)?.watch !== watch || this.stopped) return;
      // The next poll asks again.
      if (this.lateness.since(mark) >= STARVED_MS) return;
      const evidence = `its health watch broke, and then: ${(error as Error).message}`;
      this.sentinel.missed(encoderId, evidence, monotonicMs(), true);
    }
  }

  private async channelPoints(
    telemetryOf: ReadonlyMap<string, EncoderTelemetry | null>,
    regionOf: ReadonlyMap<string, string>,
    atMs: number,
  ): Promise<Point[]> {
    const { cell, readings } = this.parts;
    const points = await Promise.all(
      this.channels
        .filter((_, place) => this.pace.isDue(place))
        .map(async (channel) => {
          const newest = await readings.newestGops.of(channel);
          const encoderId = channel.owner?.encoderId ?? '';
          const telemetry = telemetryOf.get(encoderId) ?? null;
          const isNew = newest !== null && this.costedGop.get(channel.id) !== newest.gop;
          if (isNew) this.costedGop.set(channel.id, newest.gop);
          return [
            channelPoint(
              cell,
              channel,
              regionOf.get(encoderId) ?? '',
              telemetry,
              newest?.delayMs ?? null,
              atMs,
            ),
            ...(isNew ? encodingPoints(cell, channel, telemetry, newest, atMs) : []),
          ];
        }),
    );
    return points.flat();
  }

  private async writeAudience(regionOf: ReadonlyMap<string, string>, atMs: number): Promise<void> {
    if (!this.parts.audience) return;
    const cellRegion = [...regionOf.values()].find((region) => region !== '') ?? '';
    const channels = this.channels.map(({ id, owner, lastPublishedAtMs }) => ({
      id,
      region: regionOf.get(owner?.encoderId ?? '') || cellRegion,
      encoderId: owner?.encoderId ?? null,
      onAir: owner !== null && lastPublishedAtMs !== null && atMs - lastPublishedAtMs < ON_AIR_MS,
    }));
    try {
      this.keep(await this.parts.audience.pointsAt(channels, atMs));
      this.keep(await this.cdn.pointsAt(channels, atMs));
    } catch (error) {
      this.parts.log.warn({ err: error }, 'audience not written in this poll');
    }
  }
}
