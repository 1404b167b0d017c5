import { defaultChannels, type EncoderObservation, type SwarmSnapshot } from '../../src/domain';
import { breachOf, keepsClass } from '../../src/planner/constraints';
import { buildContext } from '../../src/planner/context';
import { PlanDraft } from '../../src/planner/draft';
import { neighbourhoodOf } from '../../src/planner/neighbourhood';
import {
  channelOn,
  defaultPolicy,
  defaultSwarm,
  encoderWith,
  forecastOf,
  sessionOf,
  trackerOf,
  withTelemetry,
} from './swarm-fixtures';

/** What the planner reads out of a snapshot: encoders 1 to 3, ch-1 and ch-4 on the first. */

const [one] = defaultChannels();

test('a forecast without the demand of all channels together gets it from theirs', () => {
  const swarm = defaultSwarm();
  const forecast = forecastOf(swarm, { 'ch-1': [1, 2, 3, 3, 3, 3] });
  const total = trackerOf(swarm, forecast).forecastOfTotal()?.totalUnits;
  expect(total?.p50).toEqual([6, 7, 8, 8, 8, 8]);

  const given = { p10: [1], p50: [2], p90: [3] };
  expect(trackerOf(swarm, { ...forecast, totalUnits: given }).forecastOfTotal()?.totalUnits).toBe(given);
});

test('of several encoders that prepare a channel, the first by id counts; its owner never does', () => {
  const swarm = defaultSwarm();
  const channel = swarm.channels[0]!;
  const prepared = sessionOf(channel, { sessionId: 'next', state: 'holding' });
  const preparing = (...ids: string[]): SwarmSnapshot => ({
    ...swarm,
    encoders: swarm.encoders.map((e) =>
      ids.includes(e.id)
        ? { ...e, telemetry: { ...e.telemetry!, sessions: [...e.telemetry!.sessions, prepared] } }
        : e,
    ),
  });
  const homeOf = (snapshot: SwarmSnapshot): string => {
    const { table } = trackerOf(snapshot);
    return table.encoders.idOf(table.homeOf[table.channels.slotOf('ch-1')]!);
  };
  expect(homeOf(preparing())).toBe('enc-1');
  expect(homeOf(preparing('enc-1'))).toBe('enc-1');
  expect(homeOf(preparing('enc-1', 'enc-2', 'enc-3'))).toBe('enc-2');
  // The table's order is that of arrival.
  const shuffled = preparing('enc-2', 'enc-3');
  expect(homeOf({ ...shuffled, encoders: [...shuffled.encoders].reverse() })).toBe('enc-2');
});

test('a search may fill an encoder up to its sessions, those that it may take away counted once', () => {
  const swarm = withTelemetry({
    ...defaultSwarm(),
    encoders: ['enc-1', 'enc-2', 'enc-3'].map((id) => encoderWith(id, { maxSessions: 5 })),
  });
  const moving = {
    ...swarm,
    channels: swarm.channels.map((c) => (c.spec.id === 'ch-4' ? { ...c, moving: true } : c)),
  };
  const draft = new PlanDraft(buildContext(trackerOf(moving), new Map(), defaultPolicy));
  const { problem } = neighbourhoodOf(draft, [...draft.context.table.encoders.inOrder()], 0);
  // Of the two on enc-1 one is under way, and stays.
  expect([...problem.mostChannels]).toEqual([4, 5, 5]);
});

test.each<[string, Partial<EncoderObservation>, Partial<EncoderObservation>, boolean]>([
  [
    'one class, of two builds',
    { compatibilityClass: 'x', buildDigest: 'a' },
    { compatibilityClass: 'x', buildDigest: 'b' },
    true,
  ],
  [
    'two classes, of one build',
    { compatibilityClass: 'x', buildDigest: 'a' },
    { compatibilityClass: 'y', buildDigest: 'a' },
    false,
  ],
  ['one build without a class', { buildDigest: 'a' }, { buildDigest: 'a' }, true],
  ['two builds without a class', { buildDigest: 'a' }, { buildDigest: 'b' }, false],
  ['a class with the name of a build', { compatibilityClass: 'a' }, { buildDigest: 'a' }, false],
  ['a build, and one that is not told yet', { buildDigest: 'a' }, {}, false],
])('%s: a channel goes on without a discontinuity %#', (_, from, to, isKept) => {
  const { table } = trackerOf(
    withTelemetry({
      ...defaultSwarm(),
      encoders: [encoderWith('enc-1', from), encoderWith('enc-2', to)],
      channels: [channelOn(one!, 'enc-1')],
    }),
  );
  const [channel, encoder] = [table.channels.slotOf('ch-1'), table.encoders.slotOf('enc-2')];
  expect(keepsClass(table, channel, encoder)).toBe(isKept);
  const isTold = Object.keys(to).length > 0;
  const why = isTold ? 'is of another compatibility class' : 'has not said yet which build it runs';
  expect(breachOf(table, defaultPolicy, encoder, channel)).toBe(
    isKept ? null : `${why}, and the policy allows no discontinuity`,
  );
});
