import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { KeyFolder } from '../../src/platform/key-folder';
import { PlaySigner, PlayVerifier } from '../../src/playback';

const ORIGIN = 'https://play.example';
const HOUR_MS = 3_600_000;

let folder: string;
let nowMs: number;
const now = (): number => nowMs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'play-keys-'));
  nowMs = 1_800_000_000_000;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tokenOf = (url: string): string => /\/play\/([^/]+)\//.exec(url)![1]!;
const signed = async (channelId = 'news', lifeMs = HOUR_MS): Promise<string> =>
  tokenOf((await (await PlaySigner.of(folder, now)).sign(ORIGIN, channelId, lifeMs)).hls);

test('an address is good for its channel until it expires', async () => {
  const signer = await PlaySigner.of(folder, now);
  const urls = await signer.sign(ORIGIN, 'news', HOUR_MS);
  const token = tokenOf(urls.hls);
  expect(urls).toEqual({
    hls: `${ORIGIN}/play/${token}/hls/news/index.m3u8`,
    cmaf: `${ORIGIN}/play/${token}/cmaf/news/index.m3u8`,
    dash: `${ORIGIN}/play/${token}/cmaf/news/manifest.mpd`,
    expiresAtMs: nowMs + HOUR_MS,
  });
  const verifier = await PlayVerifier.open(folder, now);
  expect(await verifier.verify(token)).toMatchObject({ channelId: 'news', expiresAtMs: nowMs + HOUR_MS });
  nowMs += HOUR_MS - 1_000;
  expect(await verifier.verify(token)).toMatchObject({ channelId: 'news' });
  nowMs += 1_000;
  await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'forbidden', message: /expired/ });
  // One that has never seen it says the same.
  await expect((await PlayVerifier.open(folder, now)).verify(token)).rejects.toMatchObject({
    code: 'forbidden',
  });
});

const FORGED: [string, (token: string) => Promise<string> | string][] = [
  ['nonsense', () => 'x'],
  [
    'a changed claim',
    (token) => {
      const [header, , signature] = token.split('.');
      const claims = { aud: 'encoder-swarm/play', sub: 'sport', exp: 2_000_000_000 };
      return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    },
  ],
  [
    'no signature',
    (token) => {
      const header = Buffer.from(JSON.stringify({ alg: 'none', kid: '1' })).toString('base64url');
      return `${header}.${token.split('.')[1]}.`;
    },
  ],
  ['another key', () => forged({}, Buffer.alloc(32, 7))],
  ['a key that is none', () => forged({ kid: '../1' }, Buffer.alloc(32, 7))],
];
const forged = ({ kid = '1' }: { kid?: string }, key: Buffer): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256', kid })
    .setAudience('encoder-swarm/play')
    .setSubject('news')
    .setExpirationTime(2_000_000_000)
    .sign(key);

test.each(FORGED)('a token with %s is refused', async (_, change) => {
  const token = await change(await signed());
  const verifier = await PlayVerifier.open(folder, now);
  await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'forbidden' });
});

test('a session of the page is no address, and an address without an end is none', async () => {
  await signed();
  const bytes = Buffer.from((await readFile(join(folder, '1'), 'utf8')).trim(), 'hex');
  const verifier = await PlayVerifier.open(folder, now);
  const token = (audience: string, ends: boolean): Promise<string> => {
    const jwt = new SignJWT()
      .setProtectedHeader({ alg: 'HS256', kid: '1' })
      .setAudience(audience)
      .setSubject('news');
    return (ends ? jwt.setExpirationTime(2_000_000_000) : jwt).sign(bytes);
  };
  await expect(verifier.verify(await token('local', true))).rejects.toMatchObject({ code: 'forbidden' });
  await expect(verifier.verify(await token('encoder-swarm/play', false))).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('a new key signs from then on, and what an old one signed ends when it is taken away', async () => {
  const signer = await PlaySigner.of(folder, now);
  const verifier = await PlayVerifier.open(folder, now);
  const first = tokenOf((await signer.sign(ORIGIN, 'news', HOUR_MS)).hls);
  await verifier.verify(first);
  await writeFile(join(folder, '2'), `${'ab'.repeat(32)}\n`);
  const second = tokenOf((await signer.sign(ORIGIN, 'news', HOUR_MS)).hls);
  nowMs += 5_000;
  await verifier.verify(second);
  await verifier.verify(first);
  await rm(join(folder, '1'));
  nowMs += 5_000;
  await expect(verifier.verify(first)).rejects.toMatchObject({ code: 'forbidden', message: /not in use/ });
  await verifier.verify(second);
});

test('what was signed stays taken back when another key gets the number of its own', async () => {
  const signer = await PlaySigner.of(folder, now);
  const verifier = await PlayVerifier.open(folder, now);
  const shown = tokenOf((await signer.urlsOf(ORIGIN, 'news')).hls);
  await verifier.verify(shown);
  await writeFile(join(folder, '1'), `${'ab'.repeat(32)}\n`);
  nowMs += 5_000;
  await expect(verifier.verify(shown)).rejects.toMatchObject({ code: 'forbidden', message: /not in use/ });
  const renewed = tokenOf((await signer.urlsOf(ORIGIN, 'news')).hls);
  expect(renewed).not.toBe(shown);
  await verifier.verify(renewed);
});

describe('a file without a key', () => {
  const KEY = `${'ab'.repeat(32)}\n`;
  const warn = jest.fn();
  beforeEach(() => warn.mockClear());

  test('changes nothing for those of other keys, and the log tells of it once', async () => {
    const signer = await PlaySigner.of(folder, now);
    const verifier = await PlayVerifier.open(folder, now, { warn });
    const token = tokenOf((await signer.sign(ORIGIN, 'news', HOUR_MS)).hls);
    // As a shell makes it, before the key is in it.
    await writeFile(join(folder, '2'), '');
    for (const _ of [1, 2]) {
      nowMs += 5_000;
      await verifier.verify(token);
      expect(tokenOf((await signer.urlsOf(ORIGIN, 'news')).hls)).toBeTruthy();
      await signer.sign(ORIGIN, 'news', HOUR_MS);
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]).toEqual([
      expect.objectContaining({ why: expect.stringContaining(`${join(folder, '2')} holds no key`) }),
      expect.any(String),
    ]);
    // Nor for who starts now.
    await (await PlayVerifier.open(folder, now)).verify(token);
    await writeFile(join(folder, '2'), KEY);
    const second = tokenOf((await signer.sign(ORIGIN, 'news', HOUR_MS)).hls);
    nowMs += 5_000;
    await verifier.verify(second);
  });

  test('leaves the key as it was known; only one that is gone takes it away', async () => {
    const verifier = await PlayVerifier.open(folder, now, { warn });
    const token = await signed();
    await verifier.verify(token);
    const key = await readFile(join(folder, '1'));
    await rm(join(folder, '1'));
    await mkdir(join(folder, '1'));
    nowMs += 5_000;
    await verifier.verify(token);
    expect(warn.mock.calls[0]).toEqual([
      expect.objectContaining({ why: expect.stringContaining("can't be read: EISDIR") }),
      expect.any(String),
    ]);
    await rm(join(folder, '1'), { recursive: true });
    nowMs += 5_000;
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'forbidden' });
    await writeFile(join(folder, '1'), key);
    nowMs += 5_000;
    await verifier.verify(token);
  });

  test('is refused by its name where there is no other at the start', async () => {
    await writeFile(join(folder, '2'), 'no key');
    await expect(PlayVerifier.open(folder, now)).rejects.toThrow(`${join(folder, '2')} holds no key`);
  });
});

test('without any key, addresses are shown plain, and none is signed', async () => {
  const signer = await PlaySigner.of(folder, now);
  await signer.urlsOf(ORIGIN, 'news');
  await rm(join(folder, '1'));
  nowMs += 5_000;
  expect(await signer.urlsOf(ORIGIN, 'news')).toMatchObject({
    hls: `${ORIGIN}/hls/news/index.m3u8`,
    expiresAtMs: null,
  });
  await expect(signer.sign(ORIGIN, 'news', HOUR_MS)).rejects.toMatchObject({ code: 'unavailable' });
});

test('the keys are read once for the addresses of many channels', async () => {
  const signer = await PlaySigner.of(folder, now);
  const read = jest.spyOn(KeyFolder.prototype, 'read');
  const ids = ['news', 'sport', 'film'];
  const urls = await Promise.all(ids.map((id) => signer.urlsOf(ORIGIN, id)));
  expect(new Set(urls.map(({ hls }) => tokenOf(hls))).size).toBe(3);
  expect(read).toHaveBeenCalledTimes(1);
  read.mockRestore();
});

test('what is shown with a channel stays the same for hours, and is plain where nothing is signed', async () => {
  const signer = await PlaySigner.of(folder, now);
  const first = await signer.urlsOf(ORIGIN, 'news');
  nowMs += HOUR_MS;
  expect(await signer.urlsOf(ORIGIN, 'news')).toEqual(first);
  await writeFile(join(folder, '2'), `${'ab'.repeat(32)}\n`);
  nowMs += 5_000;
  const renewed = await signer.urlsOf(ORIGIN, 'news');
  expect(renewed.hls).not.toBe(first.hls);
  nowMs += 8 * HOUR_MS;
  const later = await signer.urlsOf(ORIGIN, 'news');
  expect(later.expiresAtMs).toBeGreaterThan(first.expiresAtMs!);

  const unsigned = PlaySigner.unsigned();
  expect(await unsigned.urlsOf(ORIGIN, 'news')).toMatchObject({
    hls: `${ORIGIN}/hls/news/index.m3u8`,
    expiresAtMs: null,
  });
  await expect(unsigned.sign(ORIGIN, 'news', HOUR_MS)).rejects.toMatchObject({
    code: 'conflict',
    hint: /SWARM_PLAY_URLS/,
  });
});
