import type { ChannelWorkflowState, MoveResult } from '../../../src/domain';
import { refusal } from '../../../workflows/kit/failures';
import { channel } from '../../../workflows/moves/channel';
import {
  context,
  explanation,
  facts,
  inModel,
  later,
  lossOf,
  requestOf,
  spec,
  type Answers,
  type Scene,
} from './moves-in-model';

/** One channel's workflow, with the handoffs and recoveries that it starts, on the model of Temporal. */

export const ID = 'channel/ch-1';
export const onAir: ChannelWorkflowState = {
  spec,
  ...{ status: 'on-air', ownerEncoderId: 'enc-1', ownerSessionId: 'old', token: 4, rungs: 2, moves: 7 },
  ...{ movedAtMs: null, lastMove: null, detail: 'all is well' },
};

export interface ChannelScene extends Scene {
  state: () => ChannelWorkflowState;
  details: () => string[];
  /** Asks for a change; what became of it is put into words. */
  ask: (update: string, ...args: unknown[]) => Promise<string>;
  move: (over?: object) => Promise<string>;
  recover: (over?: object) => Promise<string>;
  /** Lets more time pass. */
  pass: (ms: number) => Promise<void>;
}

const outcomeOf = (result: unknown): string => {
  const { outcome, ownerEncoderId, workflowId, failure } = (result ?? {}) as Partial<MoveResult>;
  if (failure) return `${outcome}: ${failure.code}: ${failure.message}`;
  return outcome ? `${outcome} by ${workflowId}, on ${ownerEncoderId}` : 'done';
};
const refusalOf = (error: unknown): string => {
  const { type, message } = (error as { cause: { type: string; message: string } }).cause;
  return `${type}: ${message}`;
};

export const withChannel = (
  answers: Answers,
  happen: (scene: ChannelScene) => Promise<void>,
  input: object = { carried: onAir },
) =>
  inModel(answers, async (scene) => {
    scene.start(channel, ID, { cell: 'cell', spec, context, ...structuredClone(input) });
    await scene.clock.runUntil(scene.clock.nowMs);
    const { temporal, clock } = scene;
    const ask = async (update: string, ...args: unknown[]): Promise<string> => {
      try {
        return outcomeOf(await temporal.update(ID, update, args).result);
      } catch (error) {
        return refusalOf(error);
      }
    };
    await happen({
      ...scene,
      ask,
      state: () => temporal.query(ID, 'state') as ChannelWorkflowState,
      details: () => temporal.runOf(ID).details.split('\n'),
      move: (over = {}) => ask('move', requestOf(over)),
      recover: (over = {}) => ask('recover', lossOf(over)),
      pass: (ms) => clock.runUntil(clock.nowMs + ms),
    });
  });

export const fails = (code: string) => async () => {
  await later(100);
  throw refusal(code as never, `It answered ${code}.`);
};
export const chosen = (over: object = {}) => ({
  ...{ encoderId: 'enc-2', rungs: 2, explanation, facts, atMs: Date.now() },
  ...over,
});
/** A recovery finds the channel without an owner. */
export const offAir: Answers = { chooseTarget: () => chosen({ facts: { ...facts, owner: null } }) };
