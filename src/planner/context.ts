import type {
  CellForecast,
  ChannelObservation,
  EncoderObservation,
  Fitness,
  PendingEncoder,
  Policy,
  ProvisioningOutcome,
  SwarmSnapshot,
} from '../domain';
import { stepAt } from '../forecast';
import { demandOf, type ChannelDemand } from './demand';
import { EncoderLoad } from './load-book';

/** Everything a decision looks at, in an order that does not depend on that of the snapshot's arrays. */
export interface PlanningContext {
  atMs: number;
  policy: Policy;
  forecast: CellForecast | null;
  /** By id. */
  fitness: ReadonlyMap<string, Fitness>;
  /** By encoder id, ascending. */
  loads: ReadonlyMap<string, EncoderLoad>;
  /** By channel id, ascending. */
  demands: ReadonlyMap<string, ChannelDemand>;
  /** Channels that nobody encodes: never started, or lost with their encoder or session. Largest first. */
  waiting: ChannelDemand[];
  /** Encoders that were asked for, and how earlier requests ended, oldest first. */
  pending: readonly PendingEncoder[];
  outcomes: readonly ProvisioningOutcome[];
}

const sortedBy = <T>(list: readonly T[], key: (item: T) => string): T[] =>
  [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));

const isLive = (state: string): boolean => state !== 'failed' && state !== 'released';

/** Nobody encodes it: no owner, or an owner that does not answer or no longer has the session. */
const isWaiting = (
  channel: ChannelObservation,
  encoders: ReadonlyMap<string, EncoderObservation>,
): boolean => {
  if (!channel.owner) return true;
  const encoder = encoders.get(channel.owner.encoderId);
  if (!encoder?.reachable) return true;
  const { sessionId } = channel.owner;
  const sessions = encoder.telemetry?.sessions;
  return sessions !== undefined && !sessions.some((s) => s.sessionId === sessionId && isLive(s.state));
};

/** Encoder that prepares a session for a channel that another one owns. */
const destinationOf = (
  channel: ChannelObservation,
  encoders: readonly EncoderObservation[],
): string | undefined =>
  encoders.find(
    (e) =>
      e.reachable &&
      e.id !== channel.owner?.encoderId &&
      e.telemetry?.sessions.some(
        (s) => s.channelId === channel.spec.id && (s.state === 'starting' || s.state === 'holding'),
      ),
  )?.id;

/** Enters what each encoder carries: its channels, those on their way to it, and sessions nobody knows. */
export const buildContext = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
): PlanningContext => {
  const { atMs } = snapshot;
  const encoders = sortedBy(snapshot.encoders, (e) => e.id);
  const channels = sortedBy(snapshot.channels, (c) => c.spec.id);
  const encoderById = new Map(encoders.map((e) => [e.id, e]));
  const steps = 1 + (forecast ? Math.max(0, forecast.horizonSteps - stepAt(forecast, atMs)) : 0);

  const loads = new Map(
    encoders.map((encoder) => {
      const live = encoder.telemetry?.sessions.filter((s) => isLive(s.state)).length ?? 0;
      const owned = channels.filter((c) => c.owner?.encoderId === encoder.id).length;
      const limitUnits = encoder.capacityUnits * policy.limitFraction;
      return [encoder.id, new EncoderLoad(encoder, limitUnits, steps, Math.max(live, owned))];
    }),
  );
  const demands = new Map<string, ChannelDemand>();
  const waiting: ChannelDemand[] = [];
  for (const channel of channels) {
    const demand = demandOf(channel, forecast, policy, atMs, steps);
    demands.set(channel.spec.id, demand);
    const destination = destinationOf(channel, encoders);
    const owner = channel.owner && loads.get(channel.owner.encoderId);
    const lost = isWaiting(channel, encoderById);
    if (owner && !lost) owner.holds(demand);
    if (destination !== undefined) {
      if (owner && !lost) owner.leaves(demand);
      loads.get(destination)?.holds(demand);
    } else if (lost) {
      waiting.push(demand);
    }
  }
  for (const load of loads.values()) {
    for (const session of load.encoder.telemetry?.sessions ?? []) {
      if (isLive(session.state) && !demands.has(session.channelId)) load.occupy(session.units);
    }
  }
  // First-fit decreasing: the largest find their place while there is room.
  waiting.sort((a, b) => b.peakUnits - a.peakUnits || (a.channelId < b.channelId ? -1 : 1));
  return {
    atMs,
    policy,
    forecast,
    fitness: new Map(fitness.map((f) => [f.encoderId, f])),
    loads,
    demands,
    waiting,
    pending: snapshot.pendingEncoders ?? [],
    outcomes: snapshot.provisioning ?? [],
  };
};
