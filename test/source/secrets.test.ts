import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiPorts } from '../../src/api/ports';
import { SourceClient } from '../../src/contracts/source';
import { redacted } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { createLogger } from '../../src/platform/logger';
import { FakeSwarm } from '../api/fake-swarm';
import { ask, startFakeApi } from '../api/running-api';
import { runCli } from '../cli/run-cli';
import { RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import { specOf } from './inputs';
import { SourceUnderTest } from './source-under-test';

/** A password that must be found nowhere but in the source's own files. */
const CANARY = 'c4n4ry-pw';
const URL_WITH_IT = `http://viewer:${CANARY}@127.0.0.1:9/x?token=${CANARY}`;

let relay: RelayUnderTest;
let source: SourceUnderTest;
let folder: string;
let logFile: string;
let logFd: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  logFile = join(folder, 'source.log');
  logFd = openSync(logFile, 'a');
  relay = await RelayUnderTest.start();
  source = await SourceUnderTest.start(relay.url, { log: createLogger('source', logFd) });
});
afterEach(async () => {
  await source.stop();
  await relay.stop();
  closeSync(logFd);
  rmSync(folder, { recursive: true });
});

const putAway = (id: string) =>
  ask(`${source.url}/channels/${id}?may_be_away=true`, { method: 'PUT', json: specOf(URL_WITH_IT) });

test('the source alone keeps a password, in files that are its own; what it answers and logs has none', async () => {
  const refused = await ask(`${source.url}/channels/cam`, { method: 'PUT', json: specOf(URL_WITH_IT) });
  expect(refused.status).toBe(422);
  expect(refused.body.error.message).toContain('http://viewer:***@127.0.0.1:9/x?token=***');
  const put = await putAway('cam');
  const list = await untilAnswer(
    'the input has failed',
    () => source.list(),
    ([channel]) => channel?.state === 'failed',
  );
  await untilAnswer(
    'it is logged',
    () => readFileSync(logFile, 'utf8'),
    (log) => log.includes('contribution ended'),
  );
  expect(list[0]?.error).toContain('viewer:***@');
  expect(JSON.stringify([refused, put, list]) + readFileSync(logFile, 'utf8')).not.toContain(CANARY);

  const own = join(source.stateDir, 'source');
  const withIt = readdirSync(own).filter((name) => readFileSync(join(own, name), 'utf8').includes(CANARY));
  expect(withIt).toEqual(['channels.copy.json', 'channels.json']);
  for (const name of withIt) expect((statSync(join(own, name)).mode & 0o777).toString(8)).toBe('600');
  // It is kept whole: after a restart the input is opened with it.
  await source.restart();
  expect(readFileSync(join(own, 'channels.json'), 'utf8')).toContain(URL_WITH_IT);
});

test('neither the API nor the command line shows it, for a channel of an earlier release either', async () => {
  const swarm = new FakeSwarm({ channels: 1 });
  const ports: ApiPorts = swarm.ports();
  ports.parts.source = new SourceClient(source.url);
  swarm.ports = () => ports;
  const spec = { ...channelWithDefaults('cam'), input: { kind: 'url' as const, url: URL_WITH_IT } };
  swarm.channels.set('cam', { spec, encoderId: 'enc-3', token: 1, rungs: 1 });
  await putAway('cam');
  await untilAnswer(
    'the input has failed',
    () => source.list(),
    ([channel]) => channel?.state === 'failed',
  );
  swarm.notVideo.add(redacted(`${URL_WITH_IT}&b=1`));
  const api = await startFakeApi(swarm);
  try {
    const added = (id: string, url: string) =>
      ask(`${api.url}/api/channels`, { json: { id, input: { kind: 'url', url } } });
    const told = [
      await added('cam-2', URL_WITH_IT),
      await added('cam-3', `${URL_WITH_IT}&b=1`),
      ...(await Promise.all(['status', 'channels'].map((path) => ask(`${api.url}/api/${path}`)))),
      ...(await Promise.all(
        [['status'], ['status', '--json'], ['channel', 'list'], ['channel', 'list', '--json']].map((args) =>
          runCli([...args, '--api', api.url]),
        ),
      )),
    ];
    expect(told[1]).toMatchObject({ status: 422 });
    // What goes to Temporal.
    expect(JSON.stringify(swarm.channels.get('cam-2'))).not.toContain(CANARY);
    expect(JSON.stringify(told)).toContain('viewer:***@127.0.0.1:9');
    expect(JSON.stringify(told)).not.toContain(CANARY);
  } finally {
    await api.stop();
  }
});

test('what passes through workflows names the secrets, and the source knows them by that name', async () => {
  const client = new SourceClient(source.url);
  const input = { kind: 'url' as const, url: URL_WITH_IT };
  const told = await client.keepSecretsOf(input);
  expect(told).toEqual({
    ...{ kind: 'url', url: 'http://viewer:***@127.0.0.1:9/x?token=***' },
    secretRef: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  const spec = { id: 'cam', ...specOf(''), input: told };
  await client.register(spec, { mayBeAway: true });
  const kept = (): string => readFileSync(join(source.stateDir, 'source', 'channels.json'), 'utf8');
  expect(kept()).toContain(URL_WITH_IT);
  // Also after a restart, and where the same channel is registered again.
  await source.restart();
  const again = new SourceClient(source.url);
  await again.register(spec, { mayBeAway: true });
  expect(kept()).toContain(URL_WITH_IT);
  await expect(again.register({ ...spec, id: 'other' }, { mayBeAway: true })).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('are not known here any more'),
  });
  // An input without secrets is no concern of the source's before it is added.
  const plain = { kind: 'url' as const, url: 'http://127.0.0.1:9/x' };
  expect(await again.keepSecretsOf(plain)).toBe(plain);
});
