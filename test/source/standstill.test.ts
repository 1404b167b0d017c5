import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TransportStreamReader, type PesUnit } from '../../src/media/mpegts';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import { framesOf, picture, specOf } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const GOPS = 11;
/** No picture is sent between these. */
const [STILL_FROM_S, STILL_TO_S] = [3, 9];
/** A GOP, what is waited for a picture that is late, and a machine that is busy. */
const LONGEST_WAIT_MS = 1_000 + 2_000 + 1_500;

/** Live senders of a picture that stands still for some seconds, each for one connection. */
const startSenders = async (paths: Record<string, string[]>): Promise<{ server: Server; base: string }> => {
  const server = createServer((req, res) => {
    const sender = spawn('ffmpeg', paths[req.url ?? ''] ?? [], { stdio: ['ignore', 'pipe', 'inherit'] });
    sender.stdout.pipe(res);
    res.on('close', () => sender.kill('SIGKILL'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

const sender = (tone: boolean, video: string[], format: string): string[] => [
  ...['-v', 'error', '-re', ...picture('160x90', 25, 60)],
  ...(tone ? ['-re', '-f', 'lavfi', '-i', 'sine=duration=60'] : []),
  ...['-vf', `select=lt(t\\,${STILL_FROM_S})+gte(t\\,${STILL_TO_S})`, '-vsync', 'vfr', ...video],
  ...['-c:a', 'aac', '-max_interleave_delta', '100000', '-flush_packets', '1', '-f', format, 'pipe:1'],
];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '20'];

describe('a live picture that stands still', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });
  let senders: Awaited<ReturnType<typeof startSenders>>;
  beforeAll(async () => {
    senders = await startSenders({
      '/h264': sender(true, [...x264, '-bf', '2'], 'mpegts'),
      '/mpeg2': sender(false, ['-c:v', 'mpeg2video', '-g', '12'], 'mpegts'),
      '/vp8': sender(false, ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'], 'webm'),
    });
  });
  afterAll(() => {
    senders.server.closeAllConnections();
    senders.server.close();
  });

  it('is repeated, GOP after GOP, whatever its codec', async () => {
    const ids = ['h264', 'mpeg2', 'vp8'];
    // Looked at from the beginning: on a busy machine one has stood still before all are there.
    const added = Promise.all(ids.map((id) => source.put(id, specOf(`${senders.base}/${id}`))));
    const noted = new Set<string>();
    // Sound goes on beside one of them, once its sender no longer waits for the picture.
    const whatStands = ['h264 picture', 'mpeg2 input', 'vp8 input'];
    await untilAnswer(
      'each standstill is named',
      () => source.list(),
      (channels) => {
        for (const { id, notes, missing } of channels)
          if (notes?.some((note) => note.includes('stood still'))) noted.add(`${id} ${missing?.[0]?.what}`);
        return whatStands.every((each) => noted.has(each));
      },
      40_000,
    );
    await added;
    const feed = await fetch(relay.feedUrl('h264', 0));
    const ledgersOf = async (id: string) => {
      const ledgers = [];
      for (let gop = 0; gop < GOPS; gop++) ledgers.push(await relay.ledger(id, gop, 10_000));
      return ledgers;
    };
    const all = await Promise.all(ids.map(ledgersOf));
    for (const channel of await source.list()) {
      expect(channel).toMatchObject({ state: 'running', missing: [] });
      expect(channel.notes!.join()).not.toContain('stood still');
      await source.remove(channel.id);
    }
    for (const [i, ledgers] of all.entries()) {
      const expected = ledgers.map((_l, gop) => framesOf(gop));
      const given = ledgers.map((l) => l.ptsTicks);
      // Reordered pictures that the sender itself holds back until the next ones come too late.
      const missing = expected.flat().filter((ticks) => !given.flat().includes(ticks));
      expect(missing.length).toBeLessThanOrEqual(ids[i] === 'h264' ? 2 : 0);
      expect(given.flat().filter((ticks) => !expected.flat().includes(ticks))).toEqual([]);
      const waits = ledgers.slice(1).map((l, gop) => l.sealedAtMs - ledgers[gop]!.sealedAtMs);
      expect(Math.max(...waits)).toBeLessThan(LONGEST_WAIT_MS);
    }
    // The sound goes on meanwhile.
    const sound: number[] = [];
    const reader = new TransportStreamReader({
      onUnit: ({ kind, ptsTicks }: PesUnit) => kind === 'audio' && sound.push(ptsTicks),
    });
    reader.push(Buffer.from(await feed.arrayBuffer()));
    const steps = sound.slice(1).map((ticks, i) => ticks - sound[i]!);
    expect(Math.max(...steps)).toBeLessThan(9_000);
    expect((sound.at(-1)! - sound[0]!) / 90_000).toBeGreaterThan(GOPS - 3);
  });
});
