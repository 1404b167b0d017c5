import {
  seededRandom,
  type CellForecast,
  type Fitness,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { chooseTarget, type TargetAnswer } from '../../src/planner';
import { rejectionOf } from '../../src/planner/constraints';
import { buildContext, type PlanningContext } from '../../src/planner/context';
import { PlanDraft } from '../../src/planner/draft';
import { NOWHERE } from '../../src/planner/placement-table';
import { SwarmTracker } from '../../src/planner/swarm-tracker';
import { targetFor } from '../../src/planner/targets';
import { searchSize } from '../support/search-size';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  withTelemetry,
} from './swarm-fixtures';

const [spec] = defaultSwarm().channels.map((c) => c.spec);

describe('the score of a target', () => {
  /** ch-1 on enc-1; five others, empty, of 10 units with a limit of 8. */
  const swarm = withTelemetry({
    ...defaultSwarm(),
    encoders: [1, 2, 3, 4, 5, 6].map((n) => encoderWith(`enc-${n}`, { capacityUnits: 10, zone: 'a' })),
    channels: [channelOn(spec!, 'enc-1')],
  });
  const weights = { headroom: 0.4, quality: 0.1, version: 0.2, zone: 0.25, stability: 0.3 };
  const all = { headroom: 1, quality: 1, version: 1, zone: 1, stability: 1 };
  const judged = (encoderId: string, terms: Partial<Fitness['terms']>): Fitness =>
    ({ encoderId, score: 0.5, terms: { ...all, ...terms } }) as Fitness;
  const choose = (fitness: Fitness[], policy: Partial<Policy> = {}): TargetAnswer => {
    const full = { ...defaultPolicy, fitnessWeights: weights, ...policy };
    return chooseTarget(swarm, null, fitness, full, { channelId: 'ch-1', rungs: 1 });
  };
  const whyNot = (answer: TargetAnswer): [string, string][] =>
    answer.ok ? answer.explanation.rejected.map((r) => [r.encoderId, r.why]) : [];

  test('is the weighted mean of its terms, with the room that is left when the channel is there; the rest follow by it', () => {
    // Weights are 1.25 together. With 1 of 8 units the headroom is 0.875: 0.35 + 0.85 of 1.25 where nothing is amiss.
    const answer = choose([
      judged('enc-2', { quality: 0.5 }), // 1.15
      judged('enc-3', { stability: 0.5 }), // 1.05
      judged('enc-4', { zone: 0.5 }), // 1.075
      judged('enc-5', { version: 0.5 }), // 1.1
      judged('enc-6', {}), // 1.2
    ]);
    expect(answer).toMatchObject({ ok: true, encoderId: 'enc-6' });
    expect(whyNot(answer)).toEqual([
      ['enc-2', 'less fit with it: 0.920, enc-6 0.960'],
      ['enc-5', 'less fit with it: 0.880, enc-6 0.960'],
      ['enc-4', 'less fit with it: 0.860, enc-6 0.960'],
      ['enc-3', 'less fit with it: 0.840, enc-6 0.960'],
    ]);
  });

  test('is 0 for an encoder that nobody has judged; of equal ones the first by id is taken', () => {
    const answer = choose([judged('enc-5', {}), judged('enc-3', {})]);
    expect(answer).toMatchObject({ ok: true, encoderId: 'enc-3' });
    expect(whyNot(answer)).toEqual([
      ['enc-5', 'less fit with it: 0.960, enc-3 0.960'],
      ...['enc-2', 'enc-4', 'enc-6'].map((id) => [id, 'less fit with it: 0.000, enc-3 0.960']),
    ]);
  });

  test('that differs in the last digits only is the same: the id decides', () => {
    const better = { ...all, quality: 1 - 1e-12 };
    const answer = choose([judged('enc-3', better), judged('enc-4', {})]);
    expect(answer).toMatchObject({ encoderId: 'enc-3' });
    const clearly = { ...all, quality: 1 - 1e-6 };
    expect(choose([judged('enc-3', clearly), judged('enc-4', {})])).toMatchObject({ encoderId: 'enc-4' });
  });
});

/** A fleet of two regions, three zones, two builds and four sizes, half filled, judged at random. */
const drawn = (seed: number) => {
  const random = seededRandom(seed);
  const whole = (most: number): number => Math.floor(random() * (most + 1));
  const encoders = Array.from({ length: 14 }, (_, i) =>
    encoderWith(`enc-${i + 1}`, {
      region: whole(3) === 0 ? 'us' : 'eu',
      zone: ['a', 'b', 'c'][whole(2)]!,
      capacityUnits: 4 + 2 * whole(3),
      maxSessions: 2 + whole(6),
      cordoned: whole(9) === 0,
      buildDigest: whole(4) === 0 ? 'other' : 'same',
    }),
  );
  const channels = Array.from({ length: 30 }, (_, i) => {
    const placement = [{ zone: 'b' }, { otherRegions: ['us'] }, { redundancyGroup: `g-${whole(2)}` }][
      whole(9)
    ];
    return channelOn(
      { ...spec!, id: `ch-${i + 1}`, ...(placement && { placement }) },
      whole(9) === 0 ? null : encoders[whole(13)]!.id,
    );
  });
  const swarm: SwarmSnapshot = withTelemetry({ ...defaultSwarm(), encoders, channels });
  const p90 = Object.fromEntries(
    channels.map(({ spec: { id } }) => [id, [random(), 2 * random(), 3 * random()]]),
  );
  const fitness = encoders.slice(0, 13).map(({ id }) => {
    const terms = Object.fromEntries(
      ['headroom', 'quality', 'version', 'zone', 'stability'].map((name) => [name, random()]),
    );
    return { encoderId: id, terms } as unknown as Fitness;
  });
  const forecast: CellForecast = forecastOf(swarm, p90);
  const tracker = new SwarmTracker(forecast, defaultPolicy);
  tracker.read(swarm);
  const byId = new Map(fitness.map((f) => [f.encoderId, f]));
  return {
    random,
    draft: new PlanDraft(
      buildContext(tracker, byId, { ...defaultPolicy, allowDiscontinuity: random() < 0.5 }),
    ),
  };
};

/** Looks at every encoder: no index, no shortcut. */
const fittestOfAll = ({ table, policy, index }: PlanningContext, channel: number): number => {
  const { spec: { region, placement } } = table.channelSeen[channel]!; // prettier-ignore
  for (const near of [region, ...(placement?.otherRegions ?? [])]) {
    const able = table.encoders
      .inOrder()
      .filter(
        (e) => table.encoderSeen[e]!.region === near && !rejectionOf(table, policy, e, channel, 'limit'),
      );
    const [best] = able.sort((a, b) => {
      const difference = Math.round((index.scoreWith(b, channel) - index.scoreWith(a, channel)) / 1e-9);
      return difference || table.encoders.compare(a, b);
    });
    if (best !== undefined) return best;
  }
  return NOWHERE;
};

const FLEETS = searchSize(25);

test(`in ${FLEETS} fleets (seeds 1 to ${FLEETS}), as channels come and go in the plan, the target is the fittest of all`, () => {
  let found = 0;
  for (let seed = 1; seed <= FLEETS; seed += 1) {
    const { random, draft } = drawn(seed);
    const { context } = draft;
    const { table } = context;
    const channels = table.channels.inOrder();
    const marks = [table.mark()];
    for (let step = 0; step < 40; step += 1) {
      const channel = channels[Math.floor(random() * channels.length)]!;
      const target = targetFor(context, channel, { atMost: 'limit' });
      expect([seed, step, target]).toEqual([seed, step, fittestOfAll(context, channel)]);
      if (target !== NOWHERE && target !== table.homeOf[channel]) {
        found += 1;
        draft.relocate(channel, target);
        if (random() < 0.3) marks.push(table.mark());
      }
      if (random() < 0.1) draft.rollBack(marks.length > 1 ? marks.pop()! : marks[0]!);
    }
  }
  expect(found).toBeGreaterThan(4 * FLEETS);
});
