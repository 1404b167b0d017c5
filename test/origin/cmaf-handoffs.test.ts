import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { startDataPlane } from '../support/data-plane';
import { frameCountersOf } from '../support/frame-counters';
import { readFragment } from './support/boxes';

const run = promisify(execFile);
const MAP = /^#EXT-X-MAP:URI="(.*)"$/gm;
/** GOPs of a second. */
const FRAMES_PER_GOP = 25;

/** A track as one file: its header, of which there is one, and all fragments that the origin retains. */
const trackOf = async (plane: DataPlane, track: string): Promise<{ file: Buffer; fragments: Buffer[] }> => {
  const base = `${plane.playerUrl}/cmaf/ch-1/${track}/`;
  const bytes = async (uri: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(base + uri)).arrayBuffer());
  const playlist = await (await fetch(`${base}index.m3u8?window_s=3600`)).text();
  expect(playlist).not.toMatch(/EXT-X-(DISCONTINUITY\n|GAP)/);
  const headers = [...playlist.matchAll(MAP)].map(([, uri]) => uri!);
  expect(headers).toHaveLength(1);
  const uris = playlist.split('\n').filter((line) => line.includes('.m4s'));
  const fragments = await Promise.all(uris.map(bytes));
  return { file: Buffer.concat([await bytes(headers[0]!), ...fragments]), fragments };
};

/** Real encoders, a handoff, and the kill of an encoder host: seen by those who play fragmented MP4. */
test('a handoff and a kill: one header, times that go on, every frame once', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'cmaf-handoffs-'));
  const key = await loadOrCreateStampKey(stateDir);
  const { plane, stop } = await startDataPlane({ stateDir, encoders: 2 });
  try {
    const spec = cheapChannel('ch-1', { kind: 'generated', sound: 'stereo' });
    await plane.putOnAir(spec, 'enc-1');
    await plane.published('ch-1', 2);
    await plane.takeOver(spec, 'enc-2');
    await plane.published('ch-1', (await plane.channel('ch-1')).nextGop + 1);
    await plane.kill('enc-2');
    await plane.takeOver(spec, 'enc-1');
    await plane.published('ch-1', (await plane.channel('ch-1')).nextGop + 2);

    const pictures = await trackOf(plane, '180p');
    const sound = await trackOf(plane, 'sound-1');
    for (const { fragments } of [pictures, sound]) {
      const boxes = fragments.map(readFragment);
      for (const [i, { decodeTime }] of boxes.slice(1).entries()) {
        const { decodeTime: began, durations } = boxes[i]!;
        expect(decodeTime).toBe(began + durations.reduce((a, b) => a + b, 0));
      }
    }
    const counters = await frameCountersOf(pictures.file, key, 'ch-1', 'mp4');
    expect(counters).toEqual(
      Array.from({ length: pictures.fragments.length * FRAMES_PER_GOP }, (_, frame) => frame),
    );
    for (const [name, { file }] of Object.entries({ pictures, sound })) {
      const path = join(stateDir, `${name}.mp4`);
      await writeFile(path, file);
      const { stderr } = await run('ffprobe', ['-v', 'warning', '-count_packets', '-show_streams', path]);
      expect(stderr).toBe('');
    }
  } finally {
    await stop();
  }
}, 120_000);
