import type { CellForecast, ErrorCode, Fitness, MoveExplanation, Policy, SwarmSnapshot } from '../domain';
import { buildContext, type PlanningContext } from './context';
import { demandOf, type ChannelDemand } from './demand';
import { hasTarget } from './draft';
import { explainedMove } from './explain';
import type { EncoderLoad } from './load-book';
import { chooseAmong, fillRejectionOf, rejectionOf, type TargetChoice } from './targets';
import { reserveForWaiting } from './waiting';

export interface TargetRequest {
  channelId: string;
  /** Rungs of the ladder to encode there. */
  rungs: number;
  /** Absent: the fittest encoder is chosen. */
  toEncoderId?: string;
  /** Encoders that must not be chosen, e.g. one that was just lost. */
  exclude?: string[];
}

export type TargetAnswer =
  | { ok: true; encoderId: string; explanation: MoveExplanation }
  | { ok: false; code: ErrorCode; message: string; rejected: { encoderId: string; why: string }[] };

const refuse = (
  code: ErrorCode,
  message: string,
  rejected: { encoderId: string; why: string }[] = [],
): TargetAnswer => ({
  ok: false,
  code,
  message,
  rejected: rejected.map(({ encoderId, why }) => ({ encoderId, why })),
});

const accept = (
  context: PlanningContext,
  demand: ChannelDemand,
  choice: TargetChoice & { load: EncoderLoad },
  cause: string,
): TargetAnswer => {
  const move = explainedMove(context, demand, choice.load, choice, { reason: 'operator', cause });
  return { ok: true, encoderId: move.toEncoderId, explanation: move.explanation };
};

/**
 * Finds a target for one channel: an operator's handoff, or the recovery of a channel that nobody encodes.
 *
 * Unlike a planned move it may fill an encoder beyond its limit, up to its capacity, when nothing else is left:
 * a channel off air is worse than an encoder near its capacity. Channels that nobody encodes are counted in a
 * fixed order, so that requests made at once of the same snapshot do not all get the same answer.
 *
 * Refusals: unknown-channel, bad-request (rungs beyond the ladder), unknown-encoder, same-encoder (its owner, with
 * the same rungs), encoder-unreachable, encoder-cordoned, encoder-incompatible (region), encoder-full, no-target.
 */
export const chooseTarget = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: Fitness[],
  policy: Policy,
  request: TargetRequest,
): TargetAnswer => {
  const { channelId, rungs, toEncoderId, exclude = [] } = request;
  const context = buildContext(snapshot, forecast, fitness, policy);
  const known = context.demands.get(channelId);
  if (!known) return refuse('unknown-channel', `There is no channel ${channelId}.`);
  const rungsKnown = known.channel.spec.ladder.length;
  if (!Number.isInteger(rungs) || rungs < 1 || rungs > rungsKnown) {
    return refuse('bad-request', `${channelId} has 1 to ${rungsKnown} renditions, not ${rungs}.`);
  }
  reserveForWaiting(context, channelId);

  const { channel } = known;
  const demand = demandOf(channel, forecast, policy, context.atMs, known.needs.length, rungs);
  const isLost = context.waiting.includes(known);
  const owner = isLost ? undefined : channel.owner?.encoderId;

  if (toEncoderId !== undefined) return checkNamedTarget(context, demand, toEncoderId, owner, exclude);

  const excluded = [...exclude, ...(owner === undefined ? [] : [owner])];
  const cause = isLost ? `nobody encodes ${channelId}` : `a move of ${channelId} was asked for`;
  const below = chooseAmong(context, demand, { atMost: 'limit', exclude: excluded });
  if (hasTarget(below)) return accept(context, demand, below, cause);
  const within = chooseAmong(context, demand, { atMost: 'capacity', exclude: excluded });
  if (hasTarget(within)) {
    return accept(context, demand, within, `${cause}, and no encoder has room below its limit`);
  }
  const reasons = within.rejected.map((r) => `${r.encoderId} ${r.why}`).join('; ');
  return refuse(
    'no-target',
    `No encoder can take ${channelId}: ${reasons || 'there is no other encoder'}.`,
    within.rejected,
  );
};

const checkNamedTarget = (
  context: PlanningContext,
  demand: ChannelDemand,
  toEncoderId: string,
  owner: string | undefined,
  exclude: readonly string[],
): TargetAnswer => {
  const { channelId, channel } = demand;
  const load = context.loads.get(toEncoderId);
  if (!load) return refuse('unknown-encoder', `There is no encoder ${toEncoderId}.`);
  if (exclude.includes(toEncoderId)) {
    return refuse('no-target', `${toEncoderId} is excluded by this very request.`);
  }
  const cause = `a move of ${channelId} to ${toEncoderId} was asked for`;
  if (toEncoderId === owner) {
    if (demand.rungs === channel.rungs) {
      return refuse('same-encoder', `${toEncoderId} encodes ${channelId} already.`);
    }
    // Its own units are counted in that encoder's load: judge it without them.
    const present = load.placed.get(channelId);
    if (present) load.vacate(present);
    const full = fillRejectionOf(load, demand, 'capacity');
    if (full) return refuse(full.code, `${toEncoderId} ${full.why}.`, [full]);
    return accept(context, demand, { load, rejected: [] }, cause);
  }
  const rejection = rejectionOf(load, demand, 'capacity');
  if (rejection) return refuse(rejection.code, `${toEncoderId} ${rejection.why}.`, [rejection]);
  return accept(context, demand, { load, rejected: [] }, cause);
};
