import { readEnvironment } from '../../src/config/config';
import type { FleetEncoder } from '../../src/contracts/fleet';
import { createFleetProvider } from '../../src/fleet/create-provider';
import type { FleetProvider } from '../../src/fleet/provider';
import { SimulatedFleet, parseSimulatedFleet } from '../../src/fleet/simulated-fleet';

/** A provider that gives at once. */
const giver = (): FleetProvider & { given: { requestId: string; zone: string | undefined }[] } => {
  const given: { requestId: string; zone: string | undefined }[] = [];
  const encoderOf = (n: number, zone = 'a'): FleetEncoder => ({
    ...{ id: `enc-${n}`, grpcAddress: '127.0.0.1:1', region: 'eu', zone, pid: null },
    ...{ state: 'running', restarts: 0, startedAtMs: 0 },
  });
  return {
    given,
    canProvision: true,
    list: async () => given.map(({ zone }, i) => encoderOf(i + 1, zone)),
    provision: async (requestId, zone) => {
      const known = given.findIndex((g) => g.requestId === requestId);
      if (known < 0) given.push({ requestId, zone });
      return encoderOf(known < 0 ? given.length : known + 1, zone);
    },
    setBuild: async () => encoderOf(1),
    deprovision: async () => undefined,
  };
};

const cloud = (failureShare: number, seed = 1) => {
  const behind = giver();
  const sleptMs: number[] = [];
  const fleet = new SimulatedFleet(behind, { seed, bootSeconds: [60, 300], failureShare }, async (ms) => {
    sleptMs.push(ms);
  });
  return { behind, fleet, sleptMs };
};

test('an encoder comes after a time of the range, in the zone asked for; the same request is the same encoder', async () => {
  const { behind, fleet, sleptMs } = cloud(0);
  const first = await fleet.provision('r-1', 'b');
  expect(await fleet.provision('r-1', 'b')).toEqual(first);
  await Promise.all(Array.from({ length: 20 }, (_, i) => fleet.provision(`r-${i + 2}`)));
  expect(behind.given).toHaveLength(21);
  expect(behind.given[0]).toEqual({ requestId: 'r-1', zone: 'b' });
  expect(sleptMs).toHaveLength(21);
  expect(Math.min(...sleptMs)).toBeGreaterThanOrEqual(60_000);
  expect(Math.max(...sleptMs)).toBeLessThanOrEqual(300_000);
});

test('a share of the requests fails, the same ones for the same seed; a repeated one fails again', async () => {
  const fates = async (seed: number): Promise<boolean[]> => {
    const { fleet, behind } = cloud(0.3, seed);
    const asked = Array.from({ length: 200 }, (_, i) => fleet.provision(`r-${i}`));
    const ends = (await Promise.allSettled(asked)).map(({ status }) => status === 'fulfilled');
    expect(behind.given).toHaveLength(ends.filter(Boolean).length);
    const failed = ends.indexOf(false);
    await expect(fleet.provision(`r-${failed}`)).rejects.toMatchObject({ code: 'at-capacity-limit' });
    return ends;
  };
  const [one, again, other] = [await fates(5), await fates(5), await fates(6)];
  expect(one.filter((came) => !came).length / 200).toBeCloseTo(0.3, 1);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test('the environment puts it before the fleet, and a malformed one is refused with the form', () => {
  expect(parseSimulatedFleet('boot=20-60,fail=0.2,seed=7')).toEqual({
    ...{ seed: 7, bootSeconds: [20, 60], failureShare: 0.2 },
  });
  const provider = createFleetProvider(readEnvironment({ SWARM_FLEET_SIMULATED: 'boot=20-60,fail=0.2' }));
  expect(provider).toBeInstanceOf(SimulatedFleet);
  expect(provider.canProvision).toBe(true);
  for (const text of ['20-60', 'boot=60-20,fail=0.2', 'boot=1-2,fail=1.5', 'boot=1-2,fail=0.1,seed=x']) {
    expect(() => createFleetProvider(readEnvironment({ SWARM_FLEET_SIMULATED: text }))).toThrow(
      'SWARM_FLEET_SIMULATED is',
    );
  }
});
