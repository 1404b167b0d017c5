import type { Dependencies } from '../../activities';
import { chooseTargetActivities } from '../../activities/cycle/choose-target';
import type { ChooseTargetRequest } from '../../activities/kit/types';
import { channelWithDefaults, policySchema } from '../../src/domain';
import { PartReadings } from '../../src/observation/part-readings';
import { SwarmObserver, type ObserverParts } from '../../src/observation/swarm-observer';
import { encoderWith } from '../planner/swarm-fixtures';
import { partClients } from '../support/part-clients';
import { originChannel, relayChannel } from '../support/wire';

const ids = ['ch-1', 'ch-2', 'ch-3'];
const empty = { atMs: 0, cpuCores: 0, memoryMiB: 0, unitsUsed: 0, sessions: [] };
const catalogue = { builds: [], targetBuildId: null, pins: {}, isRolloutRunning: false, fault: null };

/** A worker that sees three empty encoders and three channels without an owner. */
const worker = () => {
  const parts = {
    cell: 'test',
    readings: new PartReadings(
      partClients({
        origin: {
          ...partClients().origin,
          channels: async () => ids.map((id) => originChannel({ id, owner: null })),
        },
        relay: { ...partClients().relay, channel: async (id) => relayChannel({ id }) },
      }),
    ),
    probe: {
      observe: async () =>
        ['enc-1', 'enc-2', 'enc-3'].map((id) => ({ ...encoderWith(id), telemetry: { ...empty } })),
    },
    telemetry: { troublesOf: () => 0, viewersOf: () => 100 },
    versions: { read: async () => catalogue },
  } as unknown as ObserverParts;
  const rules = {
    policy: policySchema.parse({}),
    cordons: {},
    lowDemandSinceMs: null,
    channelsRevision: '1',
  };
  return chooseTargetActivities({
    observer: new SwarmObserver(parts),
    swarm: { lastRules: null, rules: async () => rules },
    telemetry: { latestForecast: async () => null },
    versions: parts.versions,
  } as unknown as Dependencies);
};

test('channels that are placed side by side are spread: each choice counts those made just before it', async () => {
  const activities = worker();
  const choices = await Promise.all(
    ids.map((id) =>
      activities.chooseTarget({
        cell: 'test',
        spec: channelWithDefaults(id),
        context: { policy: policySchema.parse({}), cordons: {} },
        rungs: 1,
        exclude: [],
        sessionId: `session-${id}`,
        purpose: 'recovery',
      } as unknown as ChooseTargetRequest),
    ),
  );
  expect(choices.map(({ encoderId }) => encoderId).sort()).toEqual(['enc-1', 'enc-2', 'enc-3']);
});
