import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepForResume, resumeFileOf } from '../../src/platform/resume-file';
import { until } from '../support/until';
import { startFeedAndOrigin } from './support/feed-and-origin';
import type { FeedServer } from './support/feed-server';
import type { RecordingOrigin } from './support/recording-origin';
import { LADDER, sessionRequest, startHost } from './support/test-host';

let feed: FeedServer;
let origin: RecordingOrigin;
let folder: string;
let sessionsFile: string;
startFeedAndOrigin(
  { liveGops: 6 },
  (started) => ({ feed, origin } = started),
  () => [feed, origin],
);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-resume-'));
  sessionsFile = join(folder, 'sessions', 'enc-1.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Noted {
  buildDigest: string;
  sessions: { token: number; secret: string; order: { sessionId: string } }[];
}
const noted = (): Noted =>
  existsSync(sessionsFile)
    ? (JSON.parse(readFileSync(sessionsFile, 'utf8')) as Noted)
    : { buildDigest: '', sessions: [] };

/** A host whose session publishes with token 1 from GOP 4, and is noted. */
const startPublishing = async () => {
  const running = await startHost({ sessionsFile });
  const request = sessionRequest(feed.url, origin.url, { renditions: LADDER.slice(0, 2) });
  await running.client.prepare(request);
  await running.client.commit(request.sessionId, 1, 4);
  await until('GOP 5', () => origin.gops.includes(5));
  await until('the session is noted', () => noted().sessions.length === 1);
  return { ...running, request };
};

const sessionsOf = async (host: Awaited<ReturnType<typeof startHost>>): Promise<string[]> =>
  (await host.client.telemetry()).sessions.map(({ sessionId, state }) => `${sessionId} ${state}`);

test('after a restart of the swarm a host goes on with its sessions by itself', async () => {
  const first = await startPublishing();
  const { sessionId } = first.request;
  expect(statSync(sessionsFile).mode & 0o777).toBe(0o600);
  await first.stop();
  // What publishes when a host is stopped is what goes on.
  expect(noted().sessions).toMatchObject([{ token: 1, order: { sessionId } }]);
  const before = origin.published.length;

  keepForResume(sessionsFile);
  const second = await startHost({ sessionsFile });
  try {
    expect(await sessionsOf(second)).toEqual([`${sessionId} publishing`]);
    await until('two GOPs more', () => origin.published.length >= before + 2);
    expect(origin.gops).toEqual(origin.gops.map((_, i) => 4 + i));
    for (const gop of origin.gops) {
      for (const { name } of LADDER.slice(0, 2)) expect(origin.ptsOf(gop, name)).toEqual(feed.ptsOf(gop));
    }
    // The same owner: same token, same secret.
    expect(new Set(origin.published.map(({ token, secret }) => `${token} ${secret}`)).size).toBe(1);
    expect(origin.refusals).toEqual([]);
    // Once: a host that dies alone later finds nothing to go on with.
    expect(existsSync(resumeFileOf(sessionsFile))).toBe(false);
    await until('it is noted again', () => noted().sessions.length === 1);
    await second.client.release(sessionId);
    await until('nothing publishes', () => noted().sessions.length === 0);
  } finally {
    await second.stop();
  }
});

test('a host that is restarted alone begins with no session', async () => {
  const first = await startPublishing();
  await first.stop();
  const second = await startHost({ sessionsFile });
  try {
    expect(await sessionsOf(second)).toEqual([]);
  } finally {
    await second.stop();
  }
});

test.each<[string, (now: Noted) => void]>([
  ['its channel has another owner', () => (origin.owner = { encoderId: 'enc-2', sessionId: 'other' })],
  ['it has been given another token', () => (origin.token = 2)],
  [
    'it ran another ffmpeg',
    (now) => writeFileSync(sessionsFile, JSON.stringify({ ...now, buildDigest: '0'.repeat(64) })),
  ],
  ['its notes are damaged', () => writeFileSync(sessionsFile, '{"format":1,"sessions":[{"token":"x"}]}')],
])('a session is not resumed where %s', async (_why, change) => {
  const first = await startPublishing();
  await first.stop();
  const published = origin.published.length;
  change(noted());
  keepForResume(sessionsFile);
  const second = await startHost({ sessionsFile });
  try {
    expect(await sessionsOf(second)).toEqual([]);
    expect(origin.published.length).toBe(published);
    expect(origin.refusals).toEqual([]);
  } finally {
    await second.stop();
  }
});

test('an origin that comes up later is waited for', async () => {
  const first = await startPublishing();
  await first.stop();
  const { port } = origin;
  await origin.close();
  keepForResume(sessionsFile);
  const starting = startHost({ sessionsFile });
  await until('it takes its notes', () => !existsSync(resumeFileOf(sessionsFile)));
  await origin.listen(port);
  const second = await starting;
  try {
    const before = origin.published.length;
    await until('it publishes', () => origin.published.length > before);
  } finally {
    await second.stop();
  }
});
