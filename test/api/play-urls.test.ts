import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlayVerifier } from '../../src/playback';
import { ask, startFakeApi } from './running-api';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'play-urls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('where addresses are signed, the API signs them for as long as is asked, and shows those of each channel', async () => {
  const api = await startFakeApi(undefined, { SWARM_PLAY_URLS: 'signed', SWARM_PLAY_KEYS: folder });
  try {
    const asked = await ask(`${api.url}/api/channels/ch-2/play-urls`, { json: { lifeMs: 60_000 } });
    expect(asked.status).toBe(201);
    expect(asked.body.expiresAtMs - Date.now()).toBeLessThanOrEqual(60_000);
    const { body } = await ask(`${api.url}/api/status`);
    const verifier = await PlayVerifier.open(folder);
    for (const url of [asked.body.dash, body.channels[1].playlistUrl] as string[]) {
      const [, token] = /^http:\/\/127\.0\.0\.1:\d+\/play\/([^/]+)\/(?:hls|cmaf)\/ch-2\//.exec(url)!;
      expect(await verifier.verify(token!)).toMatchObject({ channelId: 'ch-2' });
    }
    const foreign = await ask(`${api.url}/api/channels/nobody/play-urls`, { json: { lifeMs: 60_000 } });
    expect([foreign.status, foreign.body.error.code]).toEqual([404, 'unknown-channel']);
    for (const lifeMs of [0, -1, 1e12, 1.5, '1h']) {
      const answer = await ask(`${api.url}/api/channels/ch-2/play-urls`, { json: { lifeMs } });
      expect([lifeMs, answer.status]).toEqual([lifeMs, 400]);
    }
  } finally {
    await api.stop();
  }
});

test('where everyone may play, it says so', async () => {
  const api = await startFakeApi();
  try {
    const { status, body } = await ask(`${api.url}/api/channels/ch-2/play-urls`, {
      json: { lifeMs: 60_000 },
    });
    expect([status, body.error.code]).toEqual([409, 'conflict']);
    expect(body.error.hint).toContain('SWARM_PLAY_URLS=signed');
  } finally {
    await api.stop();
  }
});
