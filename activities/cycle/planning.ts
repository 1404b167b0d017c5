import {
  SwarmError,
  policySchema,
  type ChannelObservation,
  type ChannelSpec,
  type EncoderObservation,
  type Owner,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { chooseTarget, makePlan } from '../../src/planner';
import { parseOrRefuse } from '../../src/platform/http';
import { canTakeOver, planUpdates } from '../../src/versions';
import { OrphanWatch, lossOf } from '../../src/observation/channel-health';
import { withinOrNull } from '../../src/platform/deadline';
import type { Dependencies } from '../kit/dependencies';
import { EncoderProbe } from '../../src/observation/encoder-probe';
import { MovesUnderWay } from '../../src/observation/moves-under-way';
import { OriginClient, type OriginChannel } from '../../src/contracts/origin';
import { RelayClient, type RelayChannel } from '../../src/contracts/relay';
import { SourceClient } from '../../src/contracts/source';
import { PendingPlacements } from '../../src/observation/pending-placements';
import { TelemetryView } from '../../src/observation/telemetry-view';
import {
  forPlanning,
  targetOf,
  withHeldBack,
  withPin,
  withVersion,
} from '../../src/observation/versions-view';
import type {
  ChannelFacts,
  ChooseTargetRequest,
  Decision,
  ForecastReference,
  Observation,
  SwarmContext,
  TargetChoice,
} from '../kit/types';

/** One silent part costs a cycle no more than this. */
const OBSERVE_DEADLINE_MS = 800;
const CHOOSE_DEADLINE_MS = 500;
/** An encoder that the choice can't do without is waited for: there is no other answer than to refuse. */
const INSIST_DEADLINE_MS = 2_500;

/** Rungs that the owner encodes now, by its own telemetry; else as seen before. */
const rungsOf = (owner: Owner | null, encoders: EncoderObservation[], before: number): number => {
  const encoder = encoders.find((e) => e.id === owner?.encoderId);
  const session = encoder?.telemetry?.sessions.find((s) => s.sessionId === owner?.sessionId);
  return Math.max(1, session?.renditions.length ?? before);
};

const factsOf = (channel: OriginChannel, relay: RelayChannel): ChannelFacts => ({
  token: channel.token,
  owner: channel.owner,
  nextGop: channel.nextGop,
  hasPublished: channel.hasPublished,
  oldestGop: relay.oldestGop ?? relay.openGop ?? relay.nextGop ?? 0,
});

/** A swarm that runs since before a setting came keeps a policy without it. */
const withDefaults = (policy: Policy): Policy => policySchema.parse(policy);

/** The cordons that keep one channel away. */
const cordonsFor = (channelId: string, cordons: SwarmContext['cordons']): SwarmContext['cordons'] =>
  Object.fromEntries(
    Object.entries(cordons).filter(([, { exceptChannels }]) => !exceptChannels?.includes(channelId)),
  );

/** Activities that look at the swarm and decide. */
export const planningActivities = (dependencies: Dependencies) => {
  const { cell, originUrl, relayUrl, sourceUrl, store, versions } = dependencies;
  const origin = new OriginClient(originUrl);
  const relay = new RelayClient(relayUrl);
  const source = new SourceClient(sourceUrl);
  const probe = new EncoderProbe(dependencies.encoders);
  const telemetry = new TelemetryView(cell, store);
  const moves = new MovesUnderWay(cell, dependencies.temporal);
  const orphanWatch = new OrphanWatch();
  const pending = new PendingPlacements();
  /** Channels as the last cycle saw them: what a single channel's choice knows of the others. */
  let lastChannels = new Map<string, ChannelObservation>();

  const observationOf = (
    spec: ChannelSpec,
    { owner, token, nextGop, lastPublishedAtMs }: OriginChannel,
    encoders: EncoderObservation[],
  ): ChannelObservation => {
    const before = lastChannels.get(spec.id);
    const rungs = rungsOf(owner, encoders, before?.rungs ?? 1);
    const viewers = telemetry.viewersOf(spec, rungs);
    const { moving = false, movedAtMs = null } = before ?? {};
    return { spec, owner, token, nextGop, lastPublishedAtMs, rungs, viewers, moving, movedAtMs };
  };

  return {
    /** @throws SwarmError unavailable, timeout when the origin does not answer: nothing is known then */
    async observe(request: {
      channels: ChannelSpec[];
      cordons: SwarmContext['cordons'];
    }): Promise<Observation> {
      const atMs = Date.now();
      const options = { timeoutMs: OBSERVE_DEADLINE_MS };
      const channelIds = request.channels.map((spec) => spec.id);
      const [originChannels, relayChannels, sourceChannels, underWay, observed, catalogue] =
        await Promise.all([
          origin.channels(options),
          withinOrNull(OBSERVE_DEADLINE_MS, relay.channels(options)),
          withinOrNull(OBSERVE_DEADLINE_MS, source.channels(options)),
          moves.read(atMs),
          probe.observe(request.cordons, telemetry.troublesOf, {
            deadlineMs: OBSERVE_DEADLINE_MS,
            fresh: true,
          }),
          versions.read(),
          telemetry.refreshViewers(channelIds),
          telemetry.refreshTroubles(atMs),
        ]);
      const encoders = withHeldBack(
        observed.map((encoder) => withVersion(encoder, catalogue)),
        originChannels.map((channel) => channel.owner),
        catalogue,
      );
      const atOrigin = new Map(originChannels.map((c) => [c.id, c]));
      const atRelay = new Map((relayChannels ?? []).map((c) => [c.id, c]));
      const atSource = new Set((sourceChannels ?? []).map((c) => c.id));

      const channels = request.channels.flatMap((spec) => {
        const channel = atOrigin.get(spec.id);
        const { moving = false, movedAtMs = null } = underWay.get(spec.id) ?? {};
        if (!channel) return [];
        return [{ ...observationOf(withPin(spec, catalogue), channel, encoders), moving, movedAtMs }];
      });
      lastChannels = new Map(channels.map((channel) => [channel.spec.id, channel]));
      const unregistered = channelIds.filter(
        (id) =>
          !atOrigin.has(id) ||
          (relayChannels !== null && !atRelay.has(id)) ||
          (sourceChannels !== null && !atSource.has(id)),
      );
      return {
        snapshot: { cell, atMs, encoders, channels },
        unreachable: encoders.filter((encoder) => !encoder.reachable).map((encoder) => encoder.id),
        lost: channels.flatMap((c) => lossOf(c, encoders, atRelay.get(c.spec.id), Date.now()) ?? []),
        orphans: orphanWatch.find(encoders, channels, atMs),
        unregistered,
      };
    },

    /** @throws SwarmError bad-request that names each field at fault */
    async checkPolicy(given: Policy): Promise<Policy> {
      return parseOrRefuse(policySchema, given, 'policy');
    },

    /** Names the forecast to plan with; the curves themselves stay out of the workflow. */
    async latestForecast(): Promise<ForecastReference | null> {
      const forecast = await telemetry.latestForecast(Date.now());
      if (!forecast) return null;
      const { forecastId, model, issuedAtMs } = forecast;
      return { forecastId, model, issuedAtMs };
    },

    /** Judges every encoder and plans. The same snapshot, forecast and policy give the same decision. */
    async decide(request: {
      snapshot: SwarmSnapshot;
      forecastId: string | null;
      policy: SwarmContext['policy'];
      lowDemandSinceMs: number | null;
    }): Promise<Decision> {
      const { snapshot, forecastId, lowDemandSinceMs } = request;
      const policy = withDefaults(request.policy);
      const forecast = forecastId === null ? null : await telemetry.forecast(forecastId, Date.now());
      const fitness = fitnessOf(snapshot, forecast, policy);
      const catalogue = await versions.read();
      return {
        fitness,
        plan: makePlan(forPlanning(snapshot), forecast, fitness, policy, { lowDemandSinceMs }),
        updates: catalogue.fault ? [] : planUpdates(snapshot, fitness, targetOf(catalogue)),
      };
    },

    /**
     * Chooses the encoder for one channel, or checks the one asked for, on a fresh look at the fleet.
     * @throws SwarmError with the planner's refusal, or same-encoder, encoder-unreachable
     */
    async chooseTarget(request: ChooseTargetRequest): Promise<TargetChoice> {
      const { context, sessionId } = request;
      const options = { timeoutMs: OBSERVE_DEADLINE_MS };
      const [atOrigin, relayChannel, looked, forecast, catalogue] = await Promise.all([
        origin.channels(options),
        relay.channel(request.spec.id, options),
        probe.observe(cordonsFor(request.spec.id, context.cordons), telemetry.troublesOf, {
          deadlineMs: CHOOSE_DEADLINE_MS,
        }),
        telemetry.latestForecast(Date.now()),
        versions.read(),
      ]);
      const spec = withPin(request.spec, catalogue);
      const atMs = Date.now();
      const channel = atOrigin.find((c) => c.id === spec.id);
      if (!channel) {
        throw new SwarmError(
          'unknown-channel',
          `The origin does not know ${spec.id}.`,
          'Add the channel first.',
        );
      }
      const ownerId = channel.owner?.encoderId;
      // A recovery has other encoders, and no time; a handoff needs its target, and what the owner runs.
      const observed =
        request.purpose === 'recovery'
          ? looked
          : await probe.insist(
              looked,
              ({ id }, wasEverHeard) => id === request.toEncoderId || (id === ownerId && !wasEverHeard),
              INSIST_DEADLINE_MS,
            );
      const encoders = withHeldBack(
        observed.map((encoder) => withVersion(pending.addedTo(encoder, atMs), catalogue)),
        atOrigin.map((c) => c.owner),
        catalogue,
      );
      const specs = new Map([...lastChannels].map(([id, { spec: known }]) => [id, known]));
      const channels = atOrigin.flatMap((c) => {
        const known = c.id === spec.id ? spec : specs.get(c.id);
        return known ? [observationOf(known, c, encoders)] : [];
      });
      const snapshot: SwarmSnapshot = { cell, atMs, encoders, channels };

      let refusal = new SwarmError('no-target', `No encoder for ${spec.id}.`);
      for (const attempt of attemptsOf(request)) {
        const { policy, ofAll } = attempt;
        const seen = ofAll ? snapshot : forPlanning(snapshot);
        const choice = chooseTarget(seen, forecast, fitnessOf(snapshot, forecast, policy), policy, {
          channelId: spec.id,
          rungs: attempt.rungs,
          exclude: request.exclude,
          ...(request.toEncoderId !== undefined && { toEncoderId: request.toEncoderId }),
        });
        if (choice.ok) {
          const { encoderId, explanation } = choice;
          const discontinuity = seamBetween(encoders, channel.owner?.encoderId, encoderId, request);
          pending.add(encoderId, sessionId, spec, attempt.rungs, atMs);
          return {
            encoderId,
            rungs: attempt.rungs,
            explanation,
            facts: factsOf(channel, relayChannel),
            ...(discontinuity && { discontinuity }),
            atMs,
          };
        }
        refusal = new SwarmError(choice.code, choice.message, undefined, { rejected: choice.rejected });
      }
      throw refusal;
    },
  };
};

/**
 * Whether a player has to start its decoder anew where one encoder follows the other.
 * @throws SwarmError encoder-incompatible where the policy allows a handoff no such seam
 */
const seamBetween = (
  encoders: readonly EncoderObservation[],
  fromId: string | undefined,
  toId: string,
  { purpose, context }: ChooseTargetRequest,
): boolean => {
  const [from, to] = [fromId, toId].map((id) => encoders.find((encoder) => encoder.id === id));
  // An owner that has left the fleet was described once; of what it ran nothing is known any more.
  if (!from || !to) return false;
  const allowed = canTakeOver(
    from,
    to,
    purpose === 'recovery' ? { allowDiscontinuity: true } : context.policy,
  );
  if (allowed.ok) return allowed.discontinuity;
  throw new SwarmError(
    allowed.code,
    `${toId} ${allowed.why}.`,
    'Name an encoder of the same class, or set allowDiscontinuity in the policy.',
  );
};

/** What to try in turn. A recovery rather uses the reserve, shrinks the ladder, then fills an encoder, than stay off air. */
const attemptsOf = ({ purpose, rungs, context }: ChooseTargetRequest) => {
  const policy = withDefaults(context.policy);
  // The reserve is for what no plan foresaw, as a move that somebody asks for.
  const whole = { ...policy, reserveFraction: 0 };
  if (purpose === 'handoff') return [policy, whole].map((tried) => ({ rungs, policy: tried, ofAll: false }));
  const full = { ...whole, limitFraction: 1 };
  const inLine = [
    { rungs, policy },
    { rungs, policy: whole },
    { rungs: 1, policy: whole },
    { rungs, policy: full },
    { rungs: 1, policy: full },
  ];
  // Last of all, an encoder that is still to be brought in line.
  return [false, true].flatMap((ofAll) => inLine.map((attempt) => ({ ...attempt, ofAll })));
};
