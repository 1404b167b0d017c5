import type { LowLatency } from '../../contracts/origin';
import type { FrameRate } from '../../domain';
import { percentile } from '../../domain/statistics';
import { partialTicksOf, wholeLayout, type OpenGop, type Partial, type PartialName } from './partial-rules';
import type { LedgerRecord } from './records';

/** GOPs whose partial segments are remembered: players may take them for twice as long as they are listed. */
const KEPT_GOPS = 16;
/** Of so many partial segments the newest latencies are told. */
const MEASURED = 120;

interface OfChannel {
  framesPerSecond: FrameRate;
  gopDurationTicks: number;
}

/** The GOP that is being published, with what its record will say. */
export interface ListedOpenGop extends OpenGop {
  announced: LedgerRecord;
}

/**
 * The partial segments of a channel, in memory: a GOP is durable once it is whole, and a session that is asked again brings
 * what it has. An origin that makes none has no such object.
 */
export class PartialSegments {
  private listed: ListedOpenGop | null = null;
  private readonly whole = new Map<number, Partial[]>();
  private latenciesMs: number[] = [];
  /** The newest GOP of which there were partial segments. */
  private latestGop = -Infinity;

  constructor(private readonly partialMs: number) {}

  partialTicks(channel: OfChannel): number {
    return partialTicksOf(this.partialMs, channel);
  }

  get open(): ListedOpenGop | null {
    return this.listed;
  }

  /** GOPs that are whole and covered by partial segments, with these. */
  get wholeGops(): ReadonlyMap<number, readonly Partial[]> {
    return this.whole;
  }

  /** Takes over what another object of the kind has. */
  show(open: ListedOpenGop | null, whole: Iterable<[number, Partial[]]>): void {
    this.listed = open;
    this.whole.clear();
    for (const [gop, partials] of whole) this.whole.set(gop, partials);
  }

  /** The partial segments of a GOP that is whole, if they cover it. */
  of(gop: number): readonly Partial[] | undefined {
    return this.whole.get(gop);
  }

  /** Adds the next one. @param latencyMs from when its first picture was received */
  add(open: ListedOpenGop, latencyMs: number): void {
    this.listed = open;
    this.latestGop = open.gop;
    this.latenciesMs.push(latencyMs);
    if (this.latenciesMs.length > MEASURED) this.latenciesMs.shift();
  }

  /** The GOP is whole, and goes on from what was public of it. */
  completed(open: OpenGop, segmentBytes: readonly number[], channel: OfChannel): void {
    this.listed = null;
    const { gopDurationTicks } = channel;
    const layout = wholeLayout(open, segmentBytes, {
      gopDurationTicks,
      partialTicks: this.partialTicks(channel),
    });
    if (layout) this.whole.set(open.gop, layout);
    for (const gop of this.whole.keys()) {
      if (this.whole.size <= KEPT_GOPS) break;
      this.whole.delete(gop);
    }
  }

  /** What is public of a GOP is taken back: it goes another way, or is declared a gap. */
  withdraw(): void {
    this.listed = null;
  }

  clear(): void {
    this.listed = null;
    this.whole.clear();
    this.latenciesMs = [];
    this.latestGop = -Infinity;
  }

  /** One that is public and not taken back; `bytes`: those of a rendition, while its GOP has not ended. */
  find(
    { gop, index, token }: PartialName,
    rendition: string,
  ): { partial: Partial; bytes?: Buffer } | undefined {
    const open = this.listed?.gop === gop ? this.listed : undefined;
    const partial = (open?.partials ?? this.whole.get(gop))?.[index];
    if (partial?.token !== token) return undefined;
    const at = open?.renditions.findIndex((r) => r.name === rendition);
    const bytes = at === undefined ? undefined : open?.bytes[at]?.[index];
    return open && !bytes ? undefined : { partial, ...(bytes && { bytes }) };
  }

  /** As the origin tells it; undefined where GOPs are too short for it. */
  describe(channel: OfChannel & { ownership: { nextGop: number } }): LowLatency | undefined {
    const partialTicks = this.partialTicks(channel);
    if (partialTicks === 0) return undefined;
    const { listed } = this;
    const last = listed?.partials.at(-1);
    return {
      partialTicks,
      open:
        listed && last
          ? {
              gop: listed.gop,
              token: listed.token,
              partials: listed.partials.length,
              untilTicks: last.endTicks,
            }
          : null,
      captureToPartialMs: this.latency(channel.ownership.nextGop),
    };
  }

  /** Null where GOPs come whole by now, as of an owner that makes no partial segments. */
  private latency(nextGop: number): LowLatency['captureToPartialMs'] {
    if (nextGop - this.latestGop > KEPT_GOPS) return null;
    const [median, p95] = [50, 95].map((p) => percentile(this.latenciesMs, p));
    if (typeof median !== 'number' || typeof p95 !== 'number') return null;
    return { median: Math.round(median), p95: Math.round(p95), partials: this.latenciesMs.length };
  }
}
