import type { SwarmContext } from '../../src/domain';
import type { Dependencies } from '../kit/dependencies';
import type { ChooseTargetRequest, TargetChoice } from '../kit/types';
import { choiceFor } from './choice';

/** The activity that chooses where one channel goes. */
export const chooseTargetActivities = ({
  swarm,
  telemetry,
  observer,
}: Pick<Dependencies, 'swarm' | 'telemetry' | 'observer'>) => {
  /** @throws SwarmError unavailable, timeout where the rules can't be read */
  const contextFor = async ({ purpose, context }: ChooseTargetRequest): Promise<SwarmContext> => {
    try {
      return (await swarm.rules()) ?? context;
    } catch (error) {
      // Being on air goes before every cordon; whoever asks for a handoff gets a refusal rather than a breach.
      if (purpose === 'recovery') return swarm.lastRules ?? context;
      throw error;
    }
  };

  return {
    /**
     * Chooses the encoder for one channel, or checks the one asked for, on a fresh look at the fleet.
     * @throws SwarmError with the planner's refusal, or same-encoder, encoder-unreachable
     */
    async chooseTarget(given: ChooseTargetRequest): Promise<TargetChoice> {
      const { toEncoderId, purpose } = given;
      const rules = contextFor(given);
      const [context, look, forecast] = await Promise.all([
        rules,
        observer.observeFor({
          spec: given.spec,
          cordons: rules.then(({ cordons }) => cordons),
          // A recovery has other encoders, and no time; a handoff needs its target, and what the owner runs.
          ...(purpose === 'handoff' && {
            isNeeded: (id, ownerId, hasEverAnswered) =>
              id === toEncoderId || (id === ownerId && !hasEverAnswered),
          }),
        }),
        telemetry.latestForecast(),
      ]);
      // No await from here on: between a look and its choice, no other choice may be made.
      const seen = look();
      const choice = choiceFor({ ...given, context }, seen, forecast);
      observer.pending.add(choice.encoderId, given.sessionId, seen.spec, choice.rungs);
      return choice;
    },
  };
};
