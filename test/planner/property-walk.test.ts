import { repeatCommand, walk, walkFor } from '../../bench/planner/property-walk';

/** `npm run bench:planner -- --properties 1000000 --seed 1` makes a million. */
const STEPS = Number(process.env.PROPERTY_STEPS ?? 100_000);
const SEED = Number(process.env.PROPERTY_SEED ?? 20_261_128);

test(`${STEPS} steps of small fleets: no plan breaks a constraint, worsens goal 1, moves a channel that rests, or touches a healthy swarm that did not change (seed ${SEED})`, () => {
  const { steps, moves, unchangedSteps, failedWalk, faults } = walkFor(SEED, STEPS);
  if (failedWalk !== null) {
    throw new Error(`${faults.join('\n')}\nRepeat: ${repeatCommand(SEED, failedWalk)}`);
  }
  expect(steps).toBeGreaterThanOrEqual(STEPS);
  // Walks in which nothing happens would prove nothing.
  expect(moves).toBeGreaterThan(STEPS / 10);
  expect(unchangedSteps).toBeGreaterThan(STEPS / 50);
}, 600_000);

test('the same seed and walk give the same run', () => {
  expect(walk(SEED, 7)).toEqual(walk(SEED, 7));
});

// Found by a million steps: two channels that changed places made two moves on encoders that were allowed one.
test('a swap counts as two moves of each of its encoders', () => {
  expect(walk(1, 8881).faults).toEqual([]);
});

test.each([
  ['moves a channel twice', 'a channel moves twice'],
  ['moves a channel where it is not allowed', 'not allowed there'],
  ['moves what rests', 'rest'],
  ['moves on an unchanged healthy swarm', 'healthy swarm'],
])('a planner that %s is found out', (sabotage, words) => {
  const found = Array.from({ length: 12 }, (_, n) => walk(SEED, n, saboteurs[sabotage]).faults).flat();
  expect(found.join('\n')).toContain(words);
});

type Sabotage = NonNullable<Parameters<typeof walk>[2]>;

const saboteurs: Record<string, Sabotage> = {
  'moves a channel twice': (plan) => ({ ...plan, moves: [...plan.moves, ...plan.moves] }),
  'moves a channel where it is not allowed': (plan, snapshot) => {
    const shut = snapshot.encoders.find((e) => e.cordoned);
    return shut ? { ...plan, moves: plan.moves.map((m) => ({ ...m, toEncoderId: shut.id })) } : plan;
  },
  'moves what rests': (plan, snapshot) => {
    const rests = snapshot.channels.find((c) => c.movedAtMs !== null && c.owner);
    const [first] = plan.moves;
    if (!rests || !first) return plan;
    const from = rests.owner?.encoderId ?? null;
    return {
      ...plan,
      moves: [{ ...first, channelId: rests.spec.id, fromEncoderId: from, rungs: rests.rungs }],
    };
  },
  'moves on an unchanged healthy swarm': (plan, snapshot) => {
    const channel = snapshot.channels.find((c) => c.owner);
    const to = snapshot.encoders.find((e) => e.id !== channel?.owner?.encoderId);
    if (plan.moves.length > 0 || !channel?.owner || !to) return plan;
    const move = {
      ...{ channelId: channel.spec.id, fromEncoderId: channel.owner.encoderId, toEncoderId: to.id },
      ...{ rungs: channel.rungs, reason: 'predicted-overload' as const },
      explanation: { summary: '', figures: {}, rejected: [] },
    };
    // Found now and then only: the swarm has to stay unchanged for a step.
    return snapshot.atMs % 30_000 === 0 ? { ...plan, moves: [move] } : plan;
  },
};
