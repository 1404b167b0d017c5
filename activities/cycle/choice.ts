import { forPlanning } from '../../src/cycle';
import {
  SwarmError,
  policySchema,
  type CellForecast,
  type EncoderObservation,
  type Policy,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import type { ChoiceView } from '../../src/observation/swarm-observer';
import { chooseTarget, recoveryAttempts } from '../../src/planner';
import { canTakeOver } from '../../src/versions';
import type { ChannelFacts, ChooseTargetRequest, TargetChoice } from '../kit/types';

/** A swarm that runs since before a setting came keeps a policy without it. */
export const withDefaults = (policy: Policy): Policy => policySchema.parse(policy);

const factsOf = ({ channel, relay }: ChoiceView): ChannelFacts => ({
  token: channel.token,
  owner: channel.owner,
  nextGop: channel.nextGop,
  hasPublished: channel.hasPublished,
  oldestGop: relay.oldestGop ?? relay.openGop ?? relay.nextGop ?? 0,
});

/**
 * The encoder for one channel, on what was just seen: the first attempt that finds one.
 * @throws SwarmError with the planner's refusal, or encoder-incompatible
 */
export const choiceFor = (
  request: ChooseTargetRequest,
  seen: ChoiceView,
  forecast: CellForecast | null,
): TargetChoice => {
  const { snapshot, spec, channel } = seen;
  let refusal = new SwarmError('no-target', `No encoder for ${spec.id}.`);
  for (const { policy, rungs, ofAll } of attemptsOf(request)) {
    const fitness = fitnessOf(snapshot, forecast, policy);
    const choice = chooseTarget(ofAll ? snapshot : forPlanning(snapshot), forecast, fitness, policy, {
      channelId: spec.id,
      rungs,
      exclude: request.exclude,
      ...(request.toEncoderId !== undefined && { toEncoderId: request.toEncoderId }),
    });
    if (choice.ok) {
      const { encoderId, explanation } = choice;
      const discontinuity = seamBetween(snapshot.encoders, channel.owner?.encoderId, encoderId, request);
      return {
        encoderId,
        rungs,
        explanation,
        facts: factsOf(seen),
        ...(discontinuity && { discontinuity }),
        atMs: snapshot.atMs,
      };
    }
    refusal = new SwarmError(choice.code, choice.message, undefined, { rejected: choice.rejected });
  }
  throw refusal;
};

/**
 * Whether a player has to restart its decoder where one encoder follows the other.
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

/** What to try in turn. */
const attemptsOf = ({ purpose, rungs, context }: ChooseTargetRequest) => {
  const policy = withDefaults(context.policy);
  if (purpose === 'handoff') {
    // The reserve is for what no plan foresaw, such as an operator's handoff.
    const whole = { ...policy, reserveFraction: 0 };
    return [policy, whole].map((tried) => ({ rungs, policy: tried, ofAll: false }));
  }
  // Last of all, an encoder that still has to be synchronised.
  return [false, true].flatMap((ofAll) =>
    recoveryAttempts(policy, rungs).map((attempt) => ({ ...attempt, ofAll })),
  );
};
