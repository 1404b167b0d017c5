import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { takeOverActivities } from '../../activities/moves/take-over';
import type { DataPlane } from '../../bench/lib/data-plane';
import { OriginClient, type OriginChannel } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { channelWithDefaults, type ChannelSpec } from '../../src/domain';
import { inspectSegment } from '../../src/media/mpegts';
import type { EncoderDirectory } from '../../src/observation/encoder-directory';
import { startDataPlane } from '../support/data-plane';
import { until } from '../support/until';
import { LowLatencyPlayer, readPlaylist } from './low-latency-player';

/** An encoder dies in the midst of a GOP whose beginning is public: the next one goes on from there. */

jest.setTimeout(120_000);

const run = promisify(execFile);
const FRAME_TICKS = 3_600;
/** 1,024 samples of 48 kHz. */
const AUDIO_FRAME_TICKS = 1_920;
/** Long, so that whoever takes over on a busy machine still comes in the midst of it. */
const GOP_FRAMES = 100;

const spec = (id: string): ChannelSpec => {
  const channel = channelWithDefaults(id, { kind: 'generated', sound: 'stereo' });
  const [first, second] = channel.ladder;
  return {
    ...channel,
    gopDurationTicks: GOP_FRAMES * FRAME_TICKS,
    ladder: [first!, { ...second!, frameRateDivisor: 2 }],
    viewersPerRung: [],
  };
};

let plane: DataPlane;
let stop: () => Promise<void>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killed-mid-gop-'));
  ({ plane, stop } = await startDataPlane({ encoders: 2, variables: { SWARM_PARTIAL_SEGMENT_MS: '400' } }));
});
afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

const open = async (id: string): Promise<{ gop: number; partials: number; token: number } | null> =>
  (await plane.channel(id)).lowLatency?.open ?? null;

/** Waits for a GOP of which so much is public. */
const amidGop = async (id: string, partials: number): Promise<number> => {
  let gop = -1;
  await until('the midst of a GOP', async () => {
    const now = await open(id);
    if (now?.partials === partials) gop = now.gop;
    return gop >= 0;
  });
  return gop;
};

/** What a recovery does, the activity itself. */
const recover = async (channel: ChannelSpec, encoderId: string, facts: OriginChannel): Promise<void> => {
  const { takeOver } = takeOverActivities({
    origin: new OriginClient([plane.originUrl]),
    relay: new RelayClient([plane.relayUrl]),
    encoders: { client: async () => plane.encoder(encoderId) } as unknown as EncoderDirectory,
  });
  const { token, nextGop, hasPublished, owner } = facts;
  await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(takeOver, {
    ...{ spec: channel, requestId: randomUUID(), encoderId, sessionId: `${channel.id}/${randomUUID()}` },
    ...{ rungs: channel.ladder.length, gapReason: 'its encoder was lost' },
    facts: { token, nextGop, hasPublished, owner, oldestGop: 0 },
  });
};

interface Seen {
  id: string;
  rendition: string;
  player: LowLatencyPlayer;
  gop: number;
}

/** Where a frame of sound does not begin where the one before ends, in ticks. */
const soundGaps = async (file: string): Promise<number[]> => {
  const show = ['-v', 'error', '-select_streams', 'a:0', '-show_entries', 'packet=pts', '-of', 'csv=p=0'];
  const { stdout } = await run('ffprobe', [...show, file]);
  const pts = (stdout.match(/\d+/g) ?? []).map(Number);
  expect(pts.length).toBeGreaterThan(100);
  return pts.slice(1).flatMap((ticks, i) => (ticks - pts[i]! === AUDIO_FRAME_TICKS ? [] : [ticks - pts[i]!]));
};

/** That GOP as it is stored and as it was played: in parts of two encodes, every picture once, without a break. */
const requireJoined = async ({ id, rendition, player, gop }: Seen): Promise<string[]> => {
  await until('the GOPs after it', async () => (await plane.channel(id)).nextGop > gop + 2, 40_000);
  await player.stop();
  expect(player.failure).toBeUndefined();
  const url = `${plane.playerUrl}/hls/${id}/${rendition}/index.m3u8`;
  const text = await (await fetch(url)).text();
  expect([text, ...player.playlists.map((playlist) => playlist.text)].join('\n')).not.toMatch(
    /^#EXT-X-DISCONTINUITY$/m,
  );
  const { segments } = readPlaylist(text);
  const bytesOf = async (uri: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer());
  const around = segments.filter(({ uri }) => Math.abs(Number.parseInt(uri, 10) - gop) <= 2);
  const stored = await Promise.all(around.map(({ uri }) => bytesOf(uri)));
  const pts = stored.flatMap((bytes) => inspectSegment(bytes).videoPtsTicks);
  const step = rendition === spec(id).ladder[1]!.name ? 2 : 1;
  expect(pts).toEqual(pts.map((_, i) => pts[0]! + i * step * FRAME_TICKS));
  const file = join(folder, `${rendition}.ts`);
  await writeFile(file, Buffer.concat(stored));
  const decode = ['-v', 'warning', '-i', file, '-map', '0', '-f', 'null', '-'];
  expect((await run('ffmpeg', decode)).stderr).toBe('');
  expect(await soundGaps(file)).toEqual([]);
  const taken = player.parts.filter(({ uri }) => uri.startsWith(`${gop}.p`));
  const whole = await bytesOf(segments.find(({ uri }) => uri.startsWith(`${gop}.ts`))!.uri);
  const played = Buffer.concat(taken.map(({ bytes }) => bytes));
  // In their order, what there is of it in parts.
  expect(whole.subarray(0, played.length).equals(played)).toBe(true);
  return taken.map(({ uri }) => uri);
};

const watch = async (id: string, rendition: string): Promise<LowLatencyPlayer> => {
  const player = new LowLatencyPlayer(`${plane.playerUrl}/hls/${id}/${rendition}/index.m3u8`);
  player.start();
  await until('it plays', () => player.parts.length > 2 || player.failure !== undefined);
  return player;
};

/** Does something to the owner when two parts of a GOP are public. @returns what is known of the channel then */
const lose = async (id: string, how: NodeJS.Signals): Promise<{ gop: number; facts: OriginChannel }> => {
  const gop = await amidGop(id, 2);
  process.kill(plane.pid('enc-1'), how);
  const facts = await plane.channel(id);
  expect(facts.lowLatency!.open!.gop).toBe(gop);
  return { gop, facts };
};
const begun = async (id: string): Promise<void> => {
  await plane.putOnAir(spec(id), 'enc-1');
  await until('it is on air', async () => (await plane.channel(id)).nextGop > 1, 40_000);
};

test.each([0, 1])('the next owner goes on with parts of the same GOP (rendition %i)', async (rung) => {
  const channel = spec(`lost-${rung}`);
  const { id, ladder } = channel;
  const rendition = ladder[rung]!.name;
  await begun(id);
  const player = await watch(id, rendition);
  const { gop, facts } = await lose(id, 'SIGKILL');
  await recover(channel, 'enc-2', facts);
  const names = await requireJoined({ id, rendition, player, gop });
  const tokens = names.map((name) => Number(name.split('?t=')[1]));
  expect(names.map((name) => name.split('?')[0])).toEqual(names.map((_, i) => `${gop}.p${i}.ts`));
  expect(tokens[0]).toBe(facts.token);
  // The token of who died, then that of the next owner.
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  expect(tokens.at(-1)).toBeGreaterThan(facts.token);
});

test('so does the same session with another ffmpeg', async () => {
  const { id, ladder } = spec('again');
  const rendition = ladder[0]!.name;
  await begun(id);
  const player = await watch(id, rendition);
  const gop = await amidGop(id, 2);
  const { token } = await plane.channel(id);
  const { stdout } = await run('pgrep', ['-P', String(plane.pid('enc-1')), 'ffmpeg']);
  for (const pid of stdout.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  const names = await requireJoined({ id, rendition, player, gop });
  expect(names).toEqual(names.map((_, i) => `${gop}.p${i}.ts?t=${token}`));
  expect(names.length).toBeGreaterThan(2);
});

test('one who comes when the GOP has ended brings the rest of it', async () => {
  const channel = spec('late');
  const { id, ladder } = channel;
  const rendition = ladder[0]!.name;
  await begun(id);
  const player = await watch(id, rendition);
  const { gop, facts } = await lose(id, 'SIGSTOP');
  try {
    const relay = new RelayClient([plane.relayUrl]);
    const hasAll = async (): Promise<boolean> => ((await relay.channel(id)).lastSealedGop ?? -1) >= gop;
    await until('the relay has all of it', hasAll);
    await recover(channel, 'enc-2', facts);
    expect((await requireJoined({ id, rendition, player, gop })).length).toBeGreaterThanOrEqual(2);
  } finally {
    process.kill(plane.pid('enc-1'), 'SIGCONT');
  }
});
