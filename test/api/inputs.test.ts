import type { RunningApi } from '../../src/api/server';
import { statusSchema } from '../../src/contracts/api';
import type { StandbyInfo } from '../../src/contracts/source-standby';
import { ManualClock } from '../support/manual-clock';
import { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  api = await startFakeApi(new FakeSwarm({ clock }), {}, clock);
});
afterEach(() => api.stop());

const seenWith = async (standby: Partial<StandbyInfo>) => {
  const inputs = ['primary', 'backup-1', 'slate'].map((name) => ({
    ...{ name, url: `/films/${name}.ts`, isSound: true, soundForSeconds: 60 },
  }));
  const sinceMs = clock.now() + 11_000 - 40_000;
  api.swarm.sources['ch-1'] = {
    standby: { onAir: 'primary', sinceMs, inputs, switches: [], planned: [], ...standby },
  };
  clock.advance(11_000);
  return statusSchema.parse((await ask(`${api.url}/api/status`)).body);
};

const away = (name: string) => ({
  ...{ name, url: '/x', isSound: false, soundForSeconds: 0, why: 'It has brought no picture for 3.0 s.' },
});
const sound = (name: string) => ({ name, url: '/x', isSound: true, soundForSeconds: 9 });

test('all inputs sound and the first on air: nothing is told of', async () => {
  const seen = await seenWith({});
  expect(seen.problems.join()).not.toMatch(/backup|slate|primary/);
  expect(seen.channels[0]?.standby).toMatchObject({ onAir: 'primary' });
});

test('another input on air is named, with since when and why the first is away', async () => {
  const { problems } = await seenWith({
    onAir: 'backup-1',
    inputs: [away('primary'), sound('backup-1'), sound('slate')],
  });
  expect(problems).toContain(
    'ch-1 has been on backup-1 for 40 s: primary is away. It has brought no picture for 3.0 s.',
  );
});

test('so is one that an operator chose, and a backup that could not stand in', async () => {
  const { problems } = await seenWith({
    onAir: 'slate',
    requested: { input: 'slate', requestedBy: 'nina', atMs: 1 },
    inputs: [sound('primary'), away('backup-1'), sound('slate')],
  });
  expect(problems.join('\n')).toMatch(/on slate for 40 s: nina asked for it\..*channel switch ch-1 auto/);
  expect(problems.join('\n')).toMatch(/backup-1 of ch-1 could not stand in if it had to/);
});

test('an input is switched to by its name, and by no other text', async () => {
  await seenWith({ onAir: 'backup-1' });
  const at = `${api.url}/api/channels/ch-1/switch`;
  const answer = await ask(at, { method: 'POST', json: { input: 'backup-1' } });
  expect(answer.body).toMatchObject({ channelId: 'ch-1', standby: { onAir: 'backup-1' } });
  for (const input of ['backup-9', 'http://x/', '', undefined])
    expect((await ask(at, { method: 'POST', json: { input } })).status).toBe(400);
});

test('a switch can be planned for a moment to come, and what is planned be forgotten', async () => {
  const planned = [{ input: 'slate', requestedBy: 'nina', atMs: clock.now() + 60_000 }];
  await seenWith({ planned });
  const at = `${api.url}/api/channels/ch-1/switch`;
  const answer = await ask(at, { method: 'POST', json: { input: 'slate', atMs: clock.now() + 60_000 } });
  expect(answer).toMatchObject({ status: 200, body: { standby: { planned } } });
  for (const atMs of [-1, 'tomorrow', 1e300])
    expect((await ask(at, { method: 'POST', json: { input: 'slate', atMs } })).status).toBe(400);
  const forgotten = await ask(`${at}es`, { method: 'DELETE' });
  expect(forgotten).toMatchObject({ status: 200, body: { channelId: 'ch-1' } });
  expect((await ask(`${api.url}/api/channels/ch-2/switches`, { method: 'DELETE' })).status).toBe(409);
});

test('a generated picture has no backup, and an unknown field of a standby is refused', async () => {
  const add = (body: object) =>
    ask(`${api.url}/api/channels`, { method: 'POST', json: { id: 'new-1', ...body } });
  const input = { kind: 'url', url: '/films/a.ts' };
  const refused = await add({ input: { kind: 'generated' }, standby: { slate: 'plain' } });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  expect((await add({ input, standby: { slate: 'plain', blackSecond: 3 } })).status).toBe(400);
  expect((await add({ input, standby: { backups: [input], slate: 'plain' } })).status).toBe(201);
});
