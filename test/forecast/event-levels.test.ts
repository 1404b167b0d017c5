import { knownEventSchema, type KnownEvent } from '../../src/domain';
import { eventLevels, meanEventLevels } from '../../src/forecast';

const grid = { startMs: 1_000_000, stepSeconds: 10, steps: 6 };
const event = (more: Partial<KnownEvent>): KnownEvent =>
  knownEventSchema.parse({ id: 'e', title: 'E', startsAtMs: 1_020_000, endsAtMs: 1_040_000, ...more });
const channel = { channelId: 'ch-1', region: 'eu' };

test('a step has the level of what is under way in it, by the part of it that is covered', () => {
  expect(eventLevels([event({})], channel, grid)).toEqual([0, 0, 1, 1, 0, 0]);
  expect(eventLevels([event({ startsAtMs: 1_025_000, level: 2 })], channel, grid)).toEqual([
    0, 0, 1, 2, 0, 0,
  ]);
  expect(eventLevels([event({}), event({ level: 3 })], channel, grid)).toEqual([0, 0, 4, 4, 0, 0]);
  const long = event({ startsAtMs: 0, endsAtMs: 9_000_000 });
  expect(eventLevels([long], channel, grid)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('it concerns the channels it names, else its region, else all', () => {
  expect(eventLevels([event({ channelIds: ['ch-2'] })], channel, grid)).toBeNull();
  expect(eventLevels([event({ channelIds: ['ch-1'], region: 'us' })], channel, grid)).not.toBeNull();
  expect(eventLevels([event({ region: 'us' })], channel, grid)).toBeNull();
  expect(eventLevels([event({ region: 'eu' })], channel, grid)).not.toBeNull();
});

test('outside of the grid there is nothing', () => {
  expect(eventLevels([event({ startsAtMs: 900_000, endsAtMs: 1_000_000 })], channel, grid)).toBeNull();
  expect(eventLevels([event({ startsAtMs: 1_060_000, endsAtMs: 1_070_000 })], channel, grid)).toBeNull();
  expect(eventLevels([], channel, grid)).toBeNull();
});

test('a region has the mean of its channels', () => {
  const two = [channel, { channelId: 'ch-2', region: 'eu' }];
  expect(meanEventLevels([event({ channelIds: ['ch-1'], level: 4 })], two, grid)).toEqual([0, 0, 2, 2, 0, 0]);
  expect(meanEventLevels([event({ channelIds: ['ch-9'] })], two, grid)).toBeNull();
});
