import type { Move, Policy } from '../../src/domain';
import { channelOn, defaultSwarm, encoderWith, NOW_MS, planFor, withTelemetry } from './swarm-fixtures';

/** Which encoders are relieved first, and by how much. Encoders have 6 units, limit 4.8. */

const inWords = (moves: readonly Move[]): string[] =>
  moves.map((m) => `${m.channelId} ${m.fromEncoderId} ${m.toEncoderId}`);

describe('where one move a cycle is allowed', () => {
  /** ch-1 and ch-4 are on enc-1, ch-2 and ch-5 on enc-2; enc-3 has room for ch-4 and ch-5, of 1 unit each. */
  const first = (one: number[], two: number[], policy: Partial<Policy> = {}): string[] =>
    inWords(planFor(defaultSwarm(), { 'ch-1': one, 'ch-2': two }, { maxMovesPerCycle: 1, ...policy }).moves);

  test('the encoder that is over its limit first is relieved', () => {
    expect(first([3, 3, 4.4, 4.4], [3, 4.1, 4.1, 4.1])).toEqual(['ch-5 enc-2 enc-3']);
    expect(first([3, 4.1, 4.1, 4.1], [3, 3, 4.4, 4.4])).toEqual(['ch-4 enc-1 enc-3']);
  });

  test('of those at the same time the one that is furthest over it, of equal ones the first by id', () => {
    expect(first([3, 4.1], [3, 4.4])).toEqual(['ch-5 enc-2 enc-3']);
    expect(first([3, 4.4], [3, 4.1])).toEqual(['ch-4 enc-1 enc-3']);
    expect(first([3, 4.1], [3, 4.1])).toEqual(['ch-4 enc-1 enc-3']);
    expect(first([3, 4.1], [3, 4.4], { maxMovesPerCycle: 2 })).toEqual([
      ...['ch-5 enc-2 enc-3', 'ch-4 enc-1 enc-3'],
    ]);
  });

  test('none leaves an encoder whose need meets its limit exactly', () => {
    expect(first([3, 3.8], [3, 3.8])).toEqual([]);
  });
});

describe('an encoder that nothing relieves altogether', () => {
  const [spec] = defaultSwarm().channels.map((c) => c.spec);
  /** enc-1 carries what is given; enc-2 and enc-3 have room for `room` units each. */
  const planWith = (units: Record<string, number>, room: number, resting: string[] = []) => {
    const carried = [
      ...Object.entries(units).map(([id, need]) => ({ id, need, on: 'enc-1' })),
      ...['enc-2', 'enc-3'].map((on) => ({ id: `on-${on}`, need: 4.8 - room, on })),
    ];
    const swarm = withTelemetry({
      ...defaultSwarm(),
      encoders: ['enc-1', 'enc-2', 'enc-3'].map((id) => encoderWith(id, { zone: 'a' })),
      channels: carried.map(({ id, on }) =>
        channelOn({ ...spec!, id }, on, { movedAtMs: resting.includes(id) ? NOW_MS : null }),
      ),
    });
    return planFor(swarm, Object.fromEntries(carried.map(({ id, need }) => [id, [1, need]])), {
      maxMovesPerCycle: 9,
      maxMovesPerEncoder: 9,
    });
  };

  test('loses what finds room, the largest first; what is left is reported with the rest of its need', () => {
    // 6.2 units: 1.4 too many. b has no room anywhere, c and d go.
    const { moves, unmet } = planWith({ a: 3, b: 2, c: 0.7, d: 0.5 }, 0.7);
    expect(moves.map((m) => m.channelId)).toEqual(['c', 'd']);
    expect(new Set(moves.map((m) => m.toEncoderId)).size).toBe(2);
    expect(unmet[0]).toMatchObject({
      encoderId: 'enc-1',
      why: expect.stringMatching(
        /to need 5\.00 of 6\.00 .*; no other encoder has room below its limit for what would relieve it/,
      ),
    });
  });

  test('keeps those that rest', () => {
    const { moves } = planWith({ a: 3, b: 2, c: 0.7, d: 0.5 }, 0.7, ['c']);
    expect(moves.map((m) => m.channelId)).toEqual(['d']);
  });

  test('one whose smallest channel is enough loses that one alone', () => {
    expect(inWords(planWith({ a: 3, b: 1.2, c: 0.7, d: 0.5 }, 0.7).moves)).toEqual([
      expect.stringMatching(/^c enc-1 enc-[23]$/),
    ]);
  });
});
