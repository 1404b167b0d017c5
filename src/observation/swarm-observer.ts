import type { OriginChannel } from '../contracts/origin';
import type { RelayChannel } from '../contracts/relay';
import {
  SwarmError,
  type ChannelObservation,
  type ChannelSpec,
  type Cordons,
  type EncoderObservation,
  type Owner,
  type SwarmSnapshot,
} from '../domain';
import { monotonicMs } from '../platform/clock';
import { OrphanWatch, hasNoInput, lossOf, type LostChannel, type OrphanSession } from './channel-health';
import { deadlinesMs, listAgeMs, listDeadlineMs } from './deadlines';
import type { EncoderProbe } from './encoder-probe';
import { freshOrNull, valueOf } from './kept-reading';
import type { MovesUnderWay } from './moves-under-way';
import type { PartReadings } from './part-readings';
import { PendingPlacements } from './pending-placements';
import type { TelemetryView } from './telemetry-view';
import { withHeldBack, withPin, withVersion, type Catalogue, type VersionsView } from './versions-view';

/** Everything that one control cycle saw. */
export interface Observation {
  snapshot: SwarmSnapshot;
  unreachable: string[];
  lost: LostChannel[];
  orphans: OrphanSession[];
  /** Channels that the relay, the origin or the source does not know, as after a loss of their state. */
  unregistered: string[];
}

/** What a choice for one channel is made from. */
export interface ChoiceView {
  snapshot: SwarmSnapshot;
  /** With the operator's pin. */
  spec: ChannelSpec;
  channel: OriginChannel;
  relay: RelayChannel;
}

export interface ObserverParts {
  cell: string;
  readings: Pick<PartReadings, 'clients' | 'origin' | 'relay' | 'source'>;
  probe: EncoderProbe;
  telemetry: TelemetryView;
  moves: MovesUnderWay;
  versions: Pick<VersionsView, 'read'>;
}

/** Rungs that the owner encodes now, by its own telemetry; else as seen before. */
const rungsOf = (
  owner: Owner | null,
  encoders: ReadonlyMap<string, EncoderObservation>,
  before: number,
): number => {
  const encoder = owner ? encoders.get(owner.encoderId) : undefined;
  const session = encoder?.telemetry?.sessions.find((s) => s.sessionId === owner?.sessionId);
  return Math.max(1, session?.renditions.length ?? before);
};

const byId = (encoders: readonly EncoderObservation[]): ReadonlyMap<string, EncoderObservation> =>
  new Map(encoders.map((encoder) => [encoder.id, encoder]));

/** The cordons that keep one channel away. */
const cordonsFor = (channelId: string, cordons: Cordons): Cordons =>
  Object.fromEntries(
    Object.entries(cordons).filter(([, { exceptChannels }]) => !exceptChannels?.includes(channelId)),
  );

/** Looks at all parts of the swarm at once. What it remembers is used only for parts that do not answer. */
export class SwarmObserver {
  /** Sessions that were decided on, until their hosts report them. */
  readonly pending = new PendingPlacements();
  private readonly orphanWatch = new OrphanWatch();
  /** Channels as the last look saw them. */
  private lastChannels = new Map<string, ChannelObservation>();

  constructor(private readonly parts: ObserverParts) {}

  /** @throws SwarmError unavailable, timeout when the origin does not answer: nothing is known then */
  async observe(request: { channels: ChannelSpec[]; cordons: Cordons }): Promise<Observation> {
    const { cell, readings, probe, telemetry, moves, versions } = this.parts;
    const atMs = Date.now();
    const channelIds = request.channels.map((spec) => spec.id);
    const within = { deadlineMs: listDeadlineMs(channelIds.length) };
    // How long a channel has been silent is as of the answer: others may take seconds longer.
    let originAnsweredAtMs = atMs;
    const [origin, relay, source, underWay, observed, catalogue] = await Promise.all([
      readings.origin.now(within).finally(() => (originAnsweredAtMs = Date.now())),
      readings.relay.now(within),
      readings.source.now(within),
      moves.read(),
      probe.observe(request.cordons, telemetry.troublesOf, { deadlineMs: deadlinesMs.observe, fresh: true }),
      versions.read(),
      telemetry.refreshViewers(channelIds),
      telemetry.refreshTroubles(atMs),
    ]);
    const originChannels = valueOf(origin);
    const [relayChannels, sourceChannels] = [freshOrNull(relay), freshOrNull(source)];
    const encoders = inCatalogue(observed, originChannels, catalogue);
    const atOrigin = new Map(originChannels.map((c) => [c.id, c]));
    const atRelay = new Map((relayChannels ?? []).map((c) => [c.id, c]));
    const atSource = new Set((sourceChannels ?? []).map((c) => c.id));
    const encoderOf = byId(encoders);

    const channels = request.channels.flatMap((spec) => {
      const channel = atOrigin.get(spec.id);
      const { moving = false, movedAtMs = null } = underWay.get(spec.id) ?? {};
      if (!channel) return [];
      const observed = this.observationOf(withPin(spec, catalogue), channel, encoderOf);
      const noInput = hasNoInput(channel, atRelay.get(spec.id)) && { hasNoInput: true as const };
      return [{ ...observed, moving, movedAtMs, ...noInput }];
    });
    this.lastChannels = new Map(channels.map((channel) => [channel.spec.id, channel]));
    const unregistered = channelIds.filter(
      (id) =>
        !atOrigin.has(id) ||
        (relayChannels !== null && !atRelay.has(id)) ||
        (sourceChannels !== null && !atSource.has(id)),
    );
    return {
      snapshot: { cell, atMs, encoders, channels },
      unreachable: encoders.filter((encoder) => !encoder.reachable).map((encoder) => encoder.id),
      lost: channels.flatMap((c) => lossOf(c, encoderOf, atRelay.get(c.spec.id), originAnsweredAtMs) ?? []),
      orphans: this.orphanWatch.find(encoders, channels, monotonicMs()),
      unregistered,
    };
  }

  /**
   * A fresh look for the choice of one channel's encoder. What it returns is called in the very tick of the choice,
   * and adds the sessions that other choices have decided on until then: channels placed side by side, as after the
   * loss of an encoder, would else all choose the same emptiest one.
   * @param cordons all that are in force; they may still be on their way
   * @param isNeeded encoders that are asked once more, and waited for longer, where they are silent
   * @throws SwarmError unknown-channel; unavailable, timeout where origin or relay does not answer
   */
  async observeFor(request: {
    spec: ChannelSpec;
    cordons: Promise<Cordons>;
    isNeeded?: (encoderId: string, ownerId: string | undefined, hasEverAnswered: boolean) => boolean;
  }): Promise<() => ChoiceView> {
    const { cell, readings, probe, telemetry, versions } = this.parts;
    const { isNeeded } = request;
    const cordons = request.cordons.then((inForce) => cordonsFor(request.spec.id, inForce));
    // Where the look fails before they are needed, nobody waits for them any more.
    cordons.catch(() => undefined);
    const [{ channel, all: atOrigin }, relayChannel, looked, catalogue] = await Promise.all([
      this.channelAmongAll(request.spec.id),
      readings.clients.relay.channel(request.spec.id, { timeoutMs: deadlinesMs.observe }),
      probe.observe(cordons, telemetry.troublesOf, { deadlineMs: deadlinesMs.choose }),
      versions.read(),
    ]);
    const spec = withPin(request.spec, catalogue);
    if (!channel) {
      throw new SwarmError(
        'unknown-channel',
        `The origin does not know ${spec.id}.`,
        'Add the channel first.',
      );
    }
    const observed = isNeeded
      ? await probe.insist(
          looked,
          ({ id }, hasEverAnswered) => isNeeded(id, channel.owner?.encoderId, hasEverAnswered),
          deadlinesMs.insist,
        )
      : looked;
    return () => {
      const atMs = Date.now();
      const encoders = inCatalogue(
        observed.map((encoder) => this.pending.addedTo(encoder)),
        atOrigin,
        catalogue,
      );
      const encoderOf = byId(encoders);
      const channels = atOrigin.flatMap((c) => {
        const known = c.id === spec.id ? spec : this.lastChannels.get(c.id)?.spec;
        return known ? [this.observationOf(known, c, encoderOf)] : [];
      });
      return { snapshot: { cell, atMs, encoders, channels }, spec, channel, relay: relayChannel };
    };
  }

  /** A channel as it is now, among all: those of a small cell as they are now, of a large one as seen a few seconds ago. */
  private async channelAmongAll(
    channelId: string,
  ): Promise<{ channel: OriginChannel | undefined; all: OriginChannel[] }> {
    const { origin, clients } = this.parts.readings;
    const known = this.lastChannels.size;
    const [deadlineMs, maxAgeMs] = [listDeadlineMs(known), listAgeMs(known)];
    if (maxAgeMs === 0) {
      const all = valueOf(await origin.now({ deadlineMs }));
      return { channel: all.find(({ id }) => id === channelId), all };
    }
    const [list, channel] = await Promise.all([
      origin.get({ deadlineMs, maxAgeMs, insists: true }),
      clients.origin.channel(channelId, { timeoutMs: deadlinesMs.observe }),
    ]);
    const all = list.value ?? valueOf(list);
    const isListed = all.some(({ id }) => id === channelId);
    const others = all.map((each) => (each.id === channelId ? channel : each));
    return { channel, all: isListed ? others : [...others, channel] };
  }

  private observationOf(
    spec: ChannelSpec,
    { owner, token, nextGop, lastPublishedAtMs }: OriginChannel,
    encoders: ReadonlyMap<string, EncoderObservation>,
  ): ChannelObservation {
    const before = this.lastChannels.get(spec.id);
    const rungs = rungsOf(owner, encoders, before?.rungs ?? 1);
    const viewers = this.parts.telemetry.viewersOf(spec, rungs);
    const { moving = false, movedAtMs = null } = before ?? {};
    return { spec, owner, token, nextGop, lastPublishedAtMs, rungs, viewers, moving, movedAtMs };
  }
}

const inCatalogue = (
  observed: EncoderObservation[],
  channels: readonly OriginChannel[],
  catalogue: Catalogue,
): EncoderObservation[] =>
  withHeldBack(
    observed.map((encoder) => withVersion(encoder, catalogue)),
    channels.map((channel) => channel.owner),
    catalogue,
  );
