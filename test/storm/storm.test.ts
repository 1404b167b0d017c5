import { PassThrough } from 'node:stream';
import { judgeStorm } from '../../bench/storm/judge';
import { sabotages } from '../../bench/storm/sabotage';
import { Storm } from '../../bench/storm/storm';
import { startStormSwarm, type StormSwarm } from '../../bench/storm/storm-swarm';
import { StepReporter } from '../../src/setup';
import { claimPortBase } from '../support/ports';

/** What a sabotage leaves behind does not settle: it is not waited for. */
const SHORT_MS = 3_000;

let swarm: StormSwarm;
let storm: Storm;
beforeAll(async () => {
  swarm = await startStormSwarm({
    ...{ portBase: await claimPortBase(), encoders: 3, seed: 7 },
    reporter: new StepReporter(new PassThrough()),
    onEvent: () => undefined,
  });
  storm = await Storm.begin({
    ...{ swarm, channels: 6, seed: 7 },
    killEvery: { answers: 10 },
    onProgress: () => undefined,
  });
}, 180_000);
afterAll(async () => {
  await storm?.close();
  await swarm?.stop();
}, 60_000);

test('a worker killed in the midst of handoffs loses none of them, and never makes two owners', async () => {
  await storm.rage(40, { leastKills: 3 });
  const facts = await storm.facts();
  expect(judgeStorm(facts)).toEqual({ doubleOwners: [], lostSagas: [], leftovers: [] });
  expect(storm.kills).toBeGreaterThanOrEqual(3);
  expect(facts.requests.length).toBeGreaterThanOrEqual(40);
  const completed = facts.requests.filter((r) => r.answers[0]?.outcome === 'completed').length;
  expect(completed).toBeGreaterThan(facts.requests.length / 2);
}, 280_000);

test('a handoff ended from outside, and two sessions under one name, are noticed', async () => {
  await Promise.all([storm.rage(12), storm.terminateOne()]);
  const { lostSagas } = judgeStorm(await storm.facts(SHORT_MS));
  expect(lostSagas.join('; ')).toMatch(/is terminated/);

  await sabotages.impersonation(swarm, storm);
  await storm.rage(30);
  const { doubleOwners } = judgeStorm(await storm.facts(SHORT_MS));
  expect(doubleOwners.join('; ')).toMatch(/GOP \d+ was accepted to .* and /);
}, 280_000);
