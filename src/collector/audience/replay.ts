import { firstTargetMs } from '../../forecast';
import type { Logger } from '../../platform/logger';
import type { Point, TelemetryStore } from '../../telemetry';
import { readAnchor, writeAnchor, type AudienceAnchor } from './anchor';
import type { AudienceChannel, AudienceFeed } from './feed';
import { castRoles, viewersAt, type AudienceRole } from './roles';
import { HOURS_PER_DAY, type AudienceTrace } from './trace';

/** History that forecasts want. */
const HISTORY_STEPS = 21 * HOURS_PER_DAY;
/** A new scenario waits so long for every channel to be on air, because casting looks at who shares an encoder. */
const CAST_PATIENCE_MS = 20_000;

export interface AudienceReplayOptions {
  cell: string;
  stateDir: string;
  stepSeconds: number;
  trace: AudienceTrace;
  mode: 'keep' | 'restart';
  store: TelemetryStore;
  log: Logger;
}

/**
 * Makes an audience for every channel by replaying a real trace, one hour of it per step of wall time. Viewers are a
 * function of the wall clock and the anchor, so that history, also of time while nothing ran, is filled in as it
 * would have been.
 */
export class AudienceReplay implements AudienceFeed {
  private anchor: AudienceAnchor | null = null;
  private waitingSinceMs: number | null = null;
  /** Channels whose history is complete. */
  private readonly filled = new Set<string>();
  private readonly regions = new Map<string, string>();
  private isOpen = false;

  constructor(private readonly options: AudienceReplayOptions) {}

  get scenario(): AudienceAnchor | null {
    return this.anchor;
  }

  /**
   * Viewers of each channel at this moment, to be written; and the history of those not seen before. Nothing until
   * a new scenario has been cast.
   * @throws SwarmError unavailable, timeout: the store can't be read; call again
   */
  async pointsAt(channels: readonly AudienceChannel[], atMs: number): Promise<Point[]> {
    if (!this.isOpen) await this.open();
    const anchor = this.anchor ?? (await this.cast(channels, atMs));
    if (!anchor) return [];
    const fresh = channels.filter((c) => !this.filled.has(c.id));
    const history = fresh.length > 0 ? await this.missingHistory(anchor, fresh, atMs) : [];
    for (const { id } of fresh) this.filled.add(id);
    return [...history, ...channels.map((channel) => this.pointOf(anchor, channel, atMs))];
  }

  /**
   * Takes up the anchor of an earlier run. With `restart`, or when the length of a step has changed, it starts over
   * and deletes the audience's history; without an anchor it never does, as the history is then not its own.
   */
  private async open(): Promise<void> {
    const { mode, stateDir, stepSeconds, store, cell } = this.options;
    const known = await readAnchor(stateDir);
    if (mode === 'keep' && known?.stepSeconds === stepSeconds) this.anchor = known;
    else if (mode === 'restart' || known) await store.forgetAudience(cell);
    this.isOpen = true;
  }

  /** Viewers of a channel at any moment, also to come; null until the scenario has begun. */
  viewersAt(channelId: string, atMs: number): number | null {
    return this.anchor ? this.viewersIn(this.anchor, channelId, atMs) : null;
  }

  private viewersIn(anchor: AudienceAnchor, channelId: string, atMs: number): number {
    const { trace, stepSeconds } = this.options;
    const role: AudienceRole = anchor.roles[channelId] ?? 'modest';
    return viewersAt(trace, role, anchor.anchorMs, stepSeconds, atMs);
  }

  /** An audience does not follow its channel to an encoder of another region: it stays where it was first seen. */
  private pointOf(anchor: AudienceAnchor, { id, region: current }: AudienceChannel, atMs: number): Point {
    const { cell } = this.options;
    const region = this.regions.get(id) ?? current;
    if (region !== '') this.regions.set(id, region);
    const viewers = this.viewersIn(anchor, id, atMs);
    return { measurement: 'audience', tags: { cell, channel: id, region }, fields: { viewers }, atMs };
  }

  /** One point in the middle of every step that has none: there the line between two hours has the step's mean. */
  private async missingHistory(
    anchor: AudienceAnchor,
    channels: readonly AudienceChannel[],
    atMs: number,
  ): Promise<Point[]> {
    const { cell, stepSeconds, store, log } = this.options;
    const known = await store.audienceHistory({
      cell,
      channelIds: channels.map((c) => c.id),
      stepSeconds,
      steps: HISTORY_STEPS,
      endMs: atMs,
    });
    const endMs = firstTargetMs(atMs, stepSeconds);
    const stepMs = stepSeconds * 1000;
    const points = channels.flatMap((channel) =>
      (known[channel.id] ?? []).flatMap((viewers, i) =>
        viewers === null
          ? [this.pointOf(anchor, channel, endMs - (HISTORY_STEPS - i) * stepMs + stepMs / 2)]
          : [],
      ),
    );
    log.info({ channels: channels.length, points: points.length }, 'audience history filled in');
    return points;
  }

  private async cast(channels: readonly AudienceChannel[], atMs: number): Promise<AudienceAnchor | null> {
    const { stateDir, stepSeconds, log } = this.options;
    if (channels.length === 0) return null;
    this.waitingSinceMs ??= atMs;
    const patient = atMs - this.waitingSinceMs < CAST_PATIENCE_MS;
    if (patient && channels.some((c) => !c.onAir)) return null;
    const roles = castRoles(new Map(channels.map((c) => [c.id, c.encoderId])));
    this.anchor = { anchorMs: firstTargetMs(atMs, stepSeconds), stepSeconds, roles };
    await writeAnchor(stateDir, this.anchor);
    log.info(this.anchor, 'audience scenario begins');
    return this.anchor;
  }
}
