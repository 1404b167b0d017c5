import type { Move, Policy } from '../../src/domain';
import { buildContext } from '../../src/planner/context';
import { PlanDraft } from '../../src/planner/draft';
import { defaultPolicy, defaultSwarm, trackerOf } from './swarm-fixtures';

/** What a plan in the making keeps: moves that the policy allows, channels that are free. */

const draftOf = (
  policy: Partial<Policy> = {},
  over: Parameters<typeof defaultSwarm>[0] = {},
  reversed = false,
): PlanDraft => {
  const seen = defaultSwarm(over);
  const swarm = reversed ? { ...seen, channels: [...seen.channels].reverse() } : seen;
  const full = { ...defaultPolicy, ...policy };
  return new PlanDraft(buildContext(trackerOf(swarm, undefined, full), new Map(), full));
};
const move = (reason: Move['reason']): Move => ({ channelId: 'x', reason }) as Move;

test('a move uses up one of the cycle, and one of each encoder between which it goes', () => {
  const draft = draftOf({ maxMovesPerCycle: 3, maxMovesPerEncoder: 1 });
  expect(draft.allowsMove(0, 1)).toBe(true);
  draft.settle(move('predicted-overload'), 0, [0, 1]);
  expect([draft.movesLeft, draft.allowsMove(0, 2), draft.allowsMove(2, 1), draft.allowsMove(2)]).toEqual([
    ...[2, false, false, true],
  ]);
  draft.settle(move('ladder'), 1);
  expect([draft.movesLeft, [...draft.movesOn.keys()]]).toEqual([1, [0, 1]]);
  draft.settle(move('ladder'), 2);
  expect([draft.movesLeft, draft.allowsMove(2)]).toEqual([0, false]);
});

test('encoders take part in as many as the policy says', () => {
  const draft = draftOf({ maxMovesPerCycle: 9, maxMovesPerEncoder: 2 });
  draft.settle(move('predicted-overload'), 0, [0, 1]);
  expect(draft.allowsMove(0, 1)).toBe(true);
  draft.settle(move('predicted-overload'), 1, [0, 2]);
  expect([draft.allowsMove(0), draft.allowsMove(1, 2)]).toEqual([false, true]);
  expect([...draft.movesOn]).toEqual([
    [0, 2],
    [1, 1],
    [2, 1],
  ]);
});

test('a drain uses up none', () => {
  const draft = draftOf({ maxMovesPerCycle: 1, maxMovesPerEncoder: 1 });
  draft.settle(move('drain'), 0, [0, 1]);
  expect([draft.movesLeft, draft.allowsMove(0, 1), draft.movesOn.size, draft.moves.length]).toEqual([
    ...[1, true, 0, 1],
  ]);
});

test('free are the channels of an encoder that nothing moves and that have an input, by id', () => {
  const idsOn = (draft: PlanDraft, encoder: string): string[] => {
    const { table } = draft.context;
    return draft.freeChannelsOn(table.encoders.slotOf(encoder)).map((c) => table.channels.idOf(c));
  };
  // The order of arrival is another one.
  expect(idsOn(draftOf({}, {}, true), 'enc-1')).toEqual(['ch-1', 'ch-4']);
  expect(idsOn(draftOf({}, { 'ch-1': { moving: true } }), 'enc-1')).toEqual(['ch-4']);
  expect(idsOn(draftOf({}, { 'ch-1': { hasNoInput: true } }), 'enc-1')).toEqual(['ch-4']);
  const draft = draftOf();
  const { channels } = draft.context.table;
  draft.settle(move('ladder'), channels.slotOf('ch-1'));
  expect(idsOn(draft, 'enc-1')).toEqual(['ch-4']);
  draft.want({
    channel: channels.slotOf('ch-4'),
    target: 1,
    cause: { reason: 'predicted-overload', words: '' },
  });
  expect(idsOn(draft, 'enc-1')).toEqual([]);
});

test('loads follow what is wanted, at the encoder that comes first too, and the index of targets knows', () => {
  const draft = draftOf();
  const { table, index } = draft.context;
  const updated: number[] = [];
  const update = index.update.bind(index);
  index.update = (encoder) => {
    updated.push(encoder);
    update(encoder);
  };
  const channel = table.channels.slotOf('ch-1');
  expect(table.homeOf[channel]).toBe(0);
  draft.relocate(channel, 2);
  expect(updated).toEqual([2, 0]);
  const mark = table.mark();
  draft.relocate(channel, 1);
  updated.length = 0;
  draft.rollBack(mark);
  expect([table.homeOf[channel], updated.sort()]).toEqual([2, [1, 2]]);
});
