import { hasStandby } from '../../domain';
import { startInputOf, type InputTools, type StartInput } from './contribution-inputs';
import type { SourceChannelSpec } from './kept-channel';
import type { ProbedInput } from './probe';

/** An input that is being looked at, or was. */
export interface Look {
  probed: Promise<ProbedInput>;
  /** It has not said what it is in the time that PUT waits. */
  isLate: boolean;
  giveUp: () => void;
}

/** Starts the input; the first time with what a look at it finds, however late. */
export const startingWith = (looked: Look | null, spec: SourceChannelSpec, tools: InputTools): StartInput => {
  let first = looked;
  const wantsClock = hasStandby(spec.standby);
  const memory = { varies: false };
  const again = startInputOf(spec, tools, undefined, wantsClock, memory);
  return async (nextGop, signal, onFrames) => {
    const look = first;
    if (!look) return again(nextGop, signal, onFrames);
    first = null;
    return startInputOf(spec, tools, await look.probed, wantsClock, memory)(nextGop, signal, onFrames);
  };
};
