import { loadTrace, type AudienceTrace } from '../../src/collector/audience/trace';
import { defaultChannels } from '../../src/domain';
import { simulate, type SimulationOptions, type SimulationResult } from './support/scenario-simulation';

const STEP_SECONDS = 5;
const pairs = { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-3': 'enc-3', 'ch-4': 'enc-1', 'ch-5': 'enc-2', 'ch-6': 'enc-3' }; // prettier-ignore
const shuffled = { 'ch-1': 'enc-3', 'ch-2': 'enc-2', 'ch-3': 'enc-1', 'ch-4': 'enc-2', 'ch-5': 'enc-1', 'ch-6': 'enc-3' }; // prettier-ignore
const uneven = { 'ch-1': 'enc-1', 'ch-2': 'enc-2', 'ch-3': 'enc-3', 'ch-4': 'enc-3', 'ch-5': 'enc-3', 'ch-6': 'enc-2' }; // prettier-ignore
const lopsided = { 'ch-1': 'enc-2', 'ch-2': 'enc-2', 'ch-3': 'enc-2', 'ch-4': 'enc-2', 'ch-5': 'enc-3', 'ch-6': 'enc-3' }; // prettier-ignore

let trace: AudienceTrace;
beforeAll(async () => {
  trace = await loadTrace();
});
const play = (options: Partial<SimulationOptions>): SimulationResult =>
  simulate({ trace, placement: pairs, days: 1, historyDays: 14, ...options });
const proactive = (r: SimulationResult) =>
  r.moves.filter(
    ({ move }) => move.reason === 'predicted-overload' && move.explanation.figures.secondsUntilOverload! > 0,
  );

test('over three days: moves come before the overload, are few, and help', () => {
  const moved = play({ days: 3, historyDays: 21, horizonSteps: 8 });
  const still = play({ days: 3, moves: false });

  expect(still.firstCrossingSeconds).toBeGreaterThanOrEqual(25);
  expect(still.firstCrossingSeconds).toBeLessThanOrEqual(45);
  const [first] = proactive(moved);
  expect(first?.move.fromEncoderId).toBe('enc-1');
  expect(first?.atSeconds).toBeLessThanOrEqual(still.firstCrossingSeconds! - STEP_SECONDS);

  expect(still.overloadSeconds).toBeGreaterThan(120);
  expect(moved.overloadSeconds).toBe(0);
  expect(moved.provisions).toBe(0);
  for (const { id } of defaultChannels()) {
    const ofChannel = moved.moves.filter(({ move }) => move.channelId === id && move.reason !== 'ladder');
    expect(ofChannel.length).toBeLessThanOrEqual(2 * 3);
    const steps = ofChannel.map(({ move }) => `${move.fromEncoderId} ${move.toEncoderId}`);
    for (const [from, to] of steps.map((s) => s.split(' '))) expect(steps).not.toContain(`${to} ${from}`);
  }
  // Of which ch-6 needs 3 at all times.
  expect(moved.meanUnits).toBeLessThanOrEqual(11);
  expect(moved.peakUnits).toBeLessThanOrEqual(3 * 4.8);
});

test.each<[string, Partial<SimulationOptions>]>([
  ['shuffled', { placement: shuffled }],
  ['uneven', { placement: uneven }],
  ['lopsided', { placement: lopsided }],
  ['5 s late', { beginSeconds: 5 }],
  ['10 s late', { beginSeconds: 10 }],
  ['5 s early', { beginSeconds: -5 }],
  ['with cycles of 2 s', { cycleSeconds: 2 }],
  ['with a horizon of 8 steps', { horizonSteps: 8 }],
  ['with a horizon of 12 steps', { horizonSteps: 12 }],
  ['with a week of history', { historyDays: 7 }],
])('the scenario holds %s', (_, options) => {
  const moved = play(options);
  const still = play({ ...options, moves: false });
  const [first] = proactive(moved);
  expect(first?.atSeconds).toBeLessThanOrEqual(still.firstCrossingSeconds! - STEP_SECONDS);
  expect(moved.overloadSeconds).toBeLessThan(still.overloadSeconds);
  expect(moved.overloadSeconds).toBeLessThanOrEqual(STEP_SECONDS);
});
