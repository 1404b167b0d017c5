import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningApi } from '../../src/api/server';
import { ModelStore } from '../../src/models';
import { manifestOf, someWeights } from '../models/support/datasets';
import type { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi } from './running-api';

let stateDir: string;
let api: RunningApi & { swarm: FakeSwarm };
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'swarm-api-models-'));
  const store = new ModelStore(stateDir, 'local');
  await store.add(manifestOf('m-1', { trainedAtMs: 1 }), someWeights(0.1));
  await store.add(manifestOf('m-2', { trainedAtMs: 2, accepted: false }), someWeights(0.2));
  await store.noteBackEnd({ name: 'wasm', passedOver: [{ name: 'tfjs-node', why: 'no such module' }] });
  api = await startFakeApi(undefined, { SWARM_STATE_DIR: stateDir });
});
afterEach(async () => {
  await api.stop();
  await rm(stateDir, { recursive: true });
});

test('models are listed with the one in use, and the back end with why it is not a faster one', async () => {
  const { body } = await ask(`${api.url}/api/models`);
  expect(body.inUse).toBe('m-1');
  const models = body.models as { id: string }[];
  expect(models.slice(0, 2).map((model) => model.id)).toEqual(['m-2', 'm-1']);
  expect(body.backEnd).toEqual({ name: 'wasm', passedOver: [{ name: 'tfjs-node', why: 'no such module' }] });
  const status = (await ask(`${api.url}/api/status`)).body;
  expect(status.net).toEqual({ modelId: 'm-1', trainedAtMs: 1, pinball: 0.5, backEnd: body.backEnd });
});

test('one model is shown; an unknown or malformed id is refused', async () => {
  expect((await ask(`${api.url}/api/models/m-2`)).body).toMatchObject({ id: 'm-2', accepted: false });
  const unknown = await ask(`${api.url}/api/models/m-9`);
  expect([unknown.status, unknown.body.error.code]).toEqual([404, 'not-found']);
  const malformed = await ask(`${api.url}/api/models/..%2Fruns`);
  expect([malformed.status, malformed.body.error.code]).toEqual([400, 'bad-request']);
});

test('a retraining is asked for; with Temporal away it is refused', async () => {
  const { status, body } = await ask(`${api.url}/api/models/retrain`, { json: {} });
  expect([status, body]).toEqual([202, { scheduleId: 'retraining/local' }]);
  expect(api.swarm.retrainings).toBe(1);
  api.swarm.silent.add('temporal');
  expect((await ask(`${api.url}/api/models/retrain`, { json: {} })).status).toBe(503);
  expect(api.swarm.retrainings).toBe(1);
});
