import type { DataPlane } from '../../bench/lib/data-plane';
import { channelWithDefaults, type ChannelSpec } from '../../src/domain';
import { inspectSegment } from '../../src/media/mpegts';
import { startDataPlane } from '../support/data-plane';
import { until } from '../support/until';
import { LowLatencyPlayer, readPlaylist } from './low-latency-player';

/** The real parts of a swarm, with ffmpeg, and a player at the live edge. */

jest.setTimeout(90_000);

const PARTIAL_MS = 400;
const FRAME_TICKS = 3_600;

const spec = (): ChannelSpec => {
  const channel = channelWithDefaults('ch-1', { kind: 'generated', sound: 'stereo' });
  return {
    ...channel,
    gopDurationTicks: 25 * FRAME_TICKS,
    ladder: channel.ladder.slice(0, 2),
    viewersPerRung: [],
  };
};

let plane: DataPlane;
let stop: () => Promise<void>;
beforeAll(async () => {
  const variables = { SWARM_PARTIAL_SEGMENT_MS: String(PARTIAL_MS) };
  ({ plane, stop } = await startDataPlane({ encoders: 2, variables }));
});
afterAll(() => stop());

const playlistUrl = (rendition: string, folder = 'hls'): string =>
  `${plane.playerUrl}/${folder}/ch-1/${rendition}/index.m3u8`;

const bytesOf = async (url: URL): Promise<Buffer> => {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
};

/** The parts of a GOP that the player took, where it saw all of them: one that is late finds the first ones gone. */
const partsOfGop = (player: LowLatencyPlayer, gop: number): LowLatencyPlayer['parts'] => {
  const listed = player.playlists
    .flatMap(({ segments }) => segments)
    .find(({ uri, parts }) => uri.startsWith(`${gop}.ts`) && parts.length > 0);
  return (listed?.parts ?? []).map(({ uri }) => player.parts.find((part) => part.uri === uri)!);
};

const publishedUpTo = async (gop: number): Promise<void> =>
  until(`GOP ${gop}`, async () => (await plane.channel('ch-1')).nextGop > gop, 40_000);

test('a player at the live edge takes each GOP in parts, through a move', async () => {
  const channel = spec();
  const [small, other] = channel.ladder.map(({ name }) => name);
  await plane.putOnAir(channel, 'enc-1');
  await publishedUpTo(2);
  const player = new LowLatencyPlayer(playlistUrl(small!));
  player.start();
  const { nextGop: first } = await plane.channel('ch-1');
  await publishedUpTo(first + 3);
  await plane.takeOver(channel, 'enc-2');
  const { nextGop: moved, token } = await plane.channel('ch-1');
  expect(token).toBe(2);
  await publishedUpTo(moved + 3);
  await player.stop();
  expect(player.failure).toBeUndefined();

  const { segments } = readPlaylist(await (await fetch(playlistUrl(small!))).text());
  const pts: number[] = [];
  let inParts = 0;
  for (let gop = first + 1; gop < moved + 3; gop += 1) {
    const parts = partsOfGop(player, gop);
    const segment = segments.find(({ uri }) => uri.startsWith(`${gop}.ts`))!;
    const whole = await bytesOf(new URL(segment.uri, player.url));
    pts.push(...inspectSegment(whole).videoPtsTicks);
    // A session that is behind brings whole GOPs.
    if (parts.length === 0) continue;
    inParts += 1;
    expect(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(whole)).toBe(true);
    expect(parts.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBeCloseTo(1, 4);
    // Of one owner alone.
    expect(new Set(parts.map(({ uri }) => uri.split('?t=')[1])).size).toBe(1);
  }
  // The owner ended his GOP before he was relieved: no frame is missing, and none is there twice.
  expect(pts).toEqual(pts.map((_, i) => pts[0]! + i * FRAME_TICKS));
  const tokens = new Set(player.parts.map(({ uri }) => uri.split('?t=')[1]));
  expect([...tokens]).toEqual(['1', '2']);
  expect(inParts).toBeGreaterThan(2);

  const edge = player.playlists.at(-1)!;
  expect(edge.text).toContain('#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=');
  expect(edge.text).toContain(`#EXT-X-RENDITION-REPORT:URI="../${other}/index.m3u8",LAST-MSN=`);
  const { lowLatency } = await plane.channel('ch-1');
  expect(lowLatency!.captureToPartialMs!.partials).toBeGreaterThan(10);
});

test('fragmented MP4 comes in parts too, pictures and sound', async () => {
  for (const track of [spec().ladder[0]!.name, 'sound-1']) {
    const player = new LowLatencyPlayer(playlistUrl(track, 'cmaf'));
    player.start();
    await until('two GOPs in parts', () => player.parts.length >= 6 || player.failure !== undefined);
    await player.stop();
    expect(player.failure).toBeUndefined();
    for (const { bytes } of player.parts) expect(bytes.toString('latin1', 4, 8)).toBe('styp');
  }
});
