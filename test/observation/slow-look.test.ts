import { setTimeout as sleep } from 'node:timers/promises';
import { channelWithDefaults } from '../../src/domain';
import { PartReadings } from '../../src/observation/part-readings';
import { SwarmObserver, type ObserverParts } from '../../src/observation/swarm-observer';
import { encoderWith } from '../planner/swarm-fixtures';
import { partClients } from '../support/part-clients';
import { originChannel } from '../support/wire';

const catalogue = { builds: [], targetBuildId: null, pins: {}, isRolloutRunning: false, fault: null };
/** 0.2 s: two of them without a new one are silence. */
const GOP_TICKS = 18_000;

/** The origin answers at once, of a channel that published so long ago; its encoder is silent, which is known late. */
const lostWhere = async (options: { silentMs: number; lookMs: number }) => {
  const spec = { ...channelWithDefaults('ch-1'), gopDurationTicks: GOP_TICKS };
  const owner = { encoderId: 'enc-1', sessionId: 's' };
  const channels = async () => [
    originChannel({ id: 'ch-1', owner, lastPublishedAtMs: Date.now() - options.silentMs }),
  ];
  const observer = new SwarmObserver({
    cell: 'test',
    readings: new PartReadings(partClients({ origin: { ...partClients().origin, channels } })),
    probe: {
      observe: () => sleep(options.lookMs, [{ ...encoderWith('enc-1'), reachable: false }]),
    },
    moves: { read: async () => new Map() },
    telemetry: {
      refreshViewers: async () => undefined,
      refreshTroubles: async () => undefined,
      troublesOf: () => 0,
      viewersOf: () => 0,
    },
    versions: { read: async () => catalogue },
  } as unknown as ObserverParts);
  return (await observer.observe({ channels: [spec], cordons: {} })).lost;
};

test('a channel on air is not lost because the rest of the look took long', async () => {
  expect(await lostWhere({ silentMs: 50, lookMs: 700 })).toEqual([]);
});

test('one that had been silent when the origin answered is', async () => {
  expect(await lostWhere({ silentMs: 1_000, lookMs: 1 })).toMatchObject([{ reason: 'encoder-lost' }]);
});
