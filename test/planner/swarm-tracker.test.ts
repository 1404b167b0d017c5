import type { SwarmChange } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import {
  channelOn,
  defaultSwarm,
  encoderWith,
  forecastOf,
  NOW_MS,
  trackerOf,
  withTelemetry,
} from './swarm-fixtures';

/** What is read of a swarm is kept up to date with each change. */

const at = (change: Partial<SwarmChange>): SwarmChange => ({ atMs: NOW_MS, ...change });

test('redundancy groups follow their channels', () => {
  const grouped = (id: string, redundancyGroup?: string) =>
    channelOn(
      {
        ...channelWithDefaults(id),
        ...(redundancyGroup !== undefined && { placement: { redundancyGroup } }),
      },
      'enc-1',
    );
  const channels = [grouped('a', 'g'), grouped('b', 'g'), grouped('c', 'h'), grouped('d')];
  const tracker = trackerOf(
    withTelemetry({ cell: 'local', atMs: NOW_MS, encoders: [encoderWith('enc-1')], channels }),
  );
  const { table } = tracker;
  const groups = (): string[] => table.groups.map((g) => g.map((c) => table.channels.idOf(c)).join(' '));
  expect(groups()).toEqual(['a b', 'c']);
  tracker.read(at({ channels: [grouped('a', 'h'), grouped('b', 'g')] }));
  expect(groups()).toEqual(['b', 'c a']);
  tracker.read(at({ channels: [grouped('c')] }));
  expect(groups()).toEqual(['b', 'a']);
  tracker.read(at({ channels: [grouped('d', 'i')], removedChannels: ['a'] }));
  expect(groups()).toEqual(['b', '', 'd']);
  const groupOf = (id: string): number => table.groupOf[table.channels.slotOf(id)]!;
  expect([groupOf('b'), groupOf('c'), groupOf('d')]).toEqual([0, -1, 2]);
});

test('as time passes, steps of the forecast that are over count no more', () => {
  const swarm = defaultSwarm();
  const needs = {
    'ch-1': [5, 4, 3, 2, 1, 1],
    'ch-2': [1, 1, 6, 1, 1, 2],
    'ch-3': [1, 3, 1, 1, 1, 1],
  };
  const tracker = trackerOf(swarm, forecastOf(swarm, needs));
  const { table } = tracker;
  const peaks = (): { channels: number[]; encoders: number[] } => ({
    channels: ['ch-1', 'ch-2', 'ch-3'].map((id) => table.peakOf[table.channels.slotOf(id)]! / 1e8),
    encoders: ['enc-1', 'enc-2', 'enc-3'].map((id) => table.peakOn[table.encoders.slotOf(id)]! / 1e8),
  });
  // Beside ch-1 to ch-3 each encoder carries one channel of one unit.
  expect(peaks()).toEqual({ channels: [5, 6, 3], encoders: [6, 7, 4] });
  // The limit is 4.8 units: step 0 is now, and the forecast begins with step 1.
  const overIn = (): number[] => [0, 1, 2].map((e) => table.firstStepOverLimit(e));
  expect(overIn()).toEqual([1, 3, -1]);
  tracker.read({ atMs: NOW_MS + 10_000 });
  expect(overIn()).toEqual([-1, 3, -1]);
  expect(peaks()).toEqual({ channels: [3, 6, 1], encoders: [4, 7, 2] });
  tracker.read({ atMs: NOW_MS + 15_000 });
  expect(peaks()).toEqual({ channels: [2, 2, 1], encoders: [3, 3, 2] });
  // Beyond the forecast: what is needed now.
  tracker.read({ atMs: NOW_MS + 600_000 });
  expect(peaks()).toEqual({ channels: [1, 1, 1], encoders: [2, 2, 2] });
});

test('what is known of encoders to come is replaced where it is told, and kept where not', () => {
  const pending = [{ encoderId: 'enc-8', askedAtMs: NOW_MS }] as never;
  const outcomes = [{ askedAtMs: 0, endedAtMs: 1, asked: 1, got: 1 }];
  const tracker = trackerOf(defaultSwarm());
  expect([tracker.pendingEncoders, tracker.provisioning]).toEqual([[], []]);
  tracker.read(at({ pendingEncoders: pending, provisioning: outcomes }));
  tracker.read(at({}));
  expect(tracker.pendingEncoders).toBe(pending);
  expect(tracker.provisioning).toBe(outcomes);
  tracker.read(at({ pendingEncoders: [], provisioning: [] }));
  expect([tracker.pendingEncoders, tracker.provisioning]).toEqual([[], []]);
});

test('an encoder that comes after its channels has them from then on', () => {
  const swarm = defaultSwarm();
  const tracker = trackerOf({ ...swarm, encoders: swarm.encoders.slice(1) });
  const { table } = tracker;
  const slot = table.channels.slotOf('ch-1');
  expect([table.isWaiting[slot], table.homeOf[slot]]).toEqual([1, -1]);
  tracker.read(at({ encoders: swarm.encoders.slice(0, 1) }));
  expect([table.isWaiting[slot], table.encoders.idOf(table.homeOf[slot]!)]).toEqual([0, 'enc-1']);
});

test('a removed encoder or channel that nobody knew changes nothing', () => {
  const tracker = trackerOf(defaultSwarm());
  tracker.read(at({ removedChannels: ['nobody'], removedEncoders: ['nobody'] }));
  expect([tracker.table.channels.size, tracker.table.encoders.size]).toEqual([6, 3]);
});

test('the demand of all channels follows each of them', () => {
  const swarm = defaultSwarm();
  const tracker = trackerOf(swarm, forecastOf(swarm, { 'ch-1': [1, 2, 3, 3, 3, 3] }));
  const total = (): number[] | undefined => tracker.forecastOfTotal()?.totalUnits?.p50;
  expect(total()).toEqual([6, 7, 8, 8, 8, 8]);
  const curve = { p10: [1, 1, 1, 1, 1, 1], p50: [4, 4, 4, 4, 4, 4], p90: [5, 5, 5, 5, 5, 5] };
  tracker.read(at({ channelUnits: { 'ch-1': curve } }));
  expect(total()).toEqual([9, 9, 9, 9, 9, 9]);
  tracker.read(at({ channels: [channelOn(channelWithDefaults('ch-1'), 'enc-2')] }));
  expect(total()).toEqual([9, 9, 9, 9, 9, 9]);
  tracker.read(at({ removedChannels: ['ch-1'] }));
  expect(total()).toEqual([5, 5, 5, 5, 5, 5]);
});
