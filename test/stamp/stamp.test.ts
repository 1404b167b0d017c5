import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { path as oldFfmpeg } from '@ffmpeg-installer/ffmpeg';
import {
  GeneratedPicture,
  drawStamp,
  loadOrCreateStampKey,
  readStamp,
  stampBandHeightPx,
} from '../../src/media/stamp';
import fc from '../support/fast-check';

const key = Buffer.alloc(32, 7);
const otherKey = Buffer.alloc(32, 8);

/** Bilinear scaling of the stamp's band: how a scaler places the edges of its cells. */
const scaledBand = (luma: Uint8Array, fromW: number, fromH: number, toW: number, toH: number): Uint8Array => {
  const rows = stampBandHeightPx(toH);
  const out = new Uint8Array(toW * rows);
  for (let y = 0; y < rows; y++) {
    const sy = Math.min(fromH - 1, Math.max(0, ((y + 0.5) * fromH) / toH - 0.5));
    const y0 = Math.floor(sy);
    const y1 = Math.min(fromH - 1, y0 + 1);
    for (let x = 0; x < toW; x++) {
      const sx = Math.min(fromW - 1, Math.max(0, ((x + 0.5) * fromW) / toW - 0.5));
      const x0 = Math.floor(sx);
      const x1 = Math.min(fromW - 1, x0 + 1);
      const top = luma[y0 * fromW + x0]! * (1 - (sx - x0)) + luma[y0 * fromW + x1]! * (sx - x0);
      const bottom = luma[y1 * fromW + x0]! * (1 - (sx - x0)) + luma[y1 * fromW + x1]! * (sx - x0);
      out[y * toW + x] = Math.round(top * (1 - (sy - y0)) + bottom * (sy - y0));
    }
  }
  return out;
};

const sizes: [number, number][] = [
  [320, 180],
  [256, 144],
  [426, 240],
  [160, 90],
  [640, 360],
];
const channelId = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,40}$/);
const frameCounter = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the stamp', () => {
  it('reads back what was drawn, at any size of the ladder, through noise, offset and low contrast', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sizes),
        fc.constantFrom(...sizes),
        channelId,
        frameCounter,
        fc.integer({ min: 0, max: 40 }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 2 ** 31 - 2 }),
        ([fromW, fromH], [toW, toH], id, frame, noise, contrast, seed) => {
          const drawn = new Uint8Array(fromW * fromH).fill(90);
          drawStamp(drawn, fromW, fromH, key, id, frame);
          const seen = scaledBand(drawn, fromW, fromH, toW, toH);
          let state = seed;
          for (let i = 0; i < seen.length; i++) {
            state = (state * 48_271) % 2_147_483_647;
            const random = (2 * state) / 2_147_483_647 - 1;
            seen[i] = Math.max(0, Math.min(255, seen[i]! * contrast + 20 + noise * random));
          }
          expect(readStamp(seen, toW, toH, key, id)).toEqual({ ok: true, frame });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is refused when one bit of its payload is turned over', () => {
    fc.assert(
      fc.property(
        frameCounter,
        fc.integer({ min: 2, max: 29 }),
        fc.integer({ min: 0, max: 3 }),
        (frame, c, r) => {
          const luma = new Uint8Array(320 * 180);
          drawStamp(luma, 320, 180, key, 'ch-1', frame);
          for (let y = r * 10; y < r * 10 + 10; y++) {
            for (let x = c * 10; x < c * 10 + 10; x++) luma[y * 320 + x] = 251 - luma[y * 320 + x]!;
          }
          expect(readStamp(luma, 320, 180, key, 'ch-1').ok).toBe(false);
        },
      ),
    );
  });

  it('says why it is refused', () => {
    const luma = new Uint8Array(320 * 180).fill(90);
    expect(readStamp(luma, 320, 180, key, 'ch-1')).toEqual({ ok: false, reason: 'no readable stamp' });
    drawStamp(luma, 320, 180, key, 'ch-2', 5);
    expect(readStamp(luma, 320, 180, key, 'ch-1')).toEqual({ ok: false, reason: 'stamp of another channel' });
    drawStamp(luma, 320, 180, otherKey, 'ch-1', 5);
    expect(readStamp(luma, 320, 180, key, 'ch-1')).toEqual({ ok: false, reason: 'stamp with a wrong HMAC' });
    expect(readStamp(luma, 16, 8, key, 'ch-1').ok).toBe(false);
  });

  it('is never read out of noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 160 * 90, maxLength: 160 * 90 }), (luma) => {
        expect(readStamp(luma, 160, 90, key, 'ch-1').ok).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('is refused when two frames are blended', () => {
    const one = new Uint8Array(320 * 180);
    const two = new Uint8Array(320 * 180);
    drawStamp(one, 320, 180, key, 'ch-1', 10);
    drawStamp(two, 320, 180, key, 'ch-1', 11);
    const blended = one.map((level, i) => (level + two[i]!) >> 1);
    expect(readStamp(blended, 320, 180, key, 'ch-1').ok).toBe(false);
  });

  it('refuses a picture too small and a counter out of range', () => {
    expect(() => drawStamp(new Uint8Array(64 * 36), 64, 36, key, 'ch-1', 0)).toThrow('does not fit');
    expect(() => drawStamp(new Uint8Array(320 * 180), 320, 180, key, 'ch-1', 2 ** 32)).toThrow('counter');
    expect(() => drawStamp(new Uint8Array(320 * 180), 320, 180, key, 'ch-1', -1)).toThrow('counter');
  });
});

describe('the generated picture', () => {
  chmodSync(oldFfmpeg, 0o755);
  const frames = 60;

  const encodeAndDecode = (encoder: string, decoder: string, width: number, height: number, crf: number) => {
    const picture = new GeneratedPicture({ widthPx: 320, heightPx: 180, key, channelId: 'ch-1' });
    const source = Buffer.concat(Array.from({ length: frames }, (_, n) => Buffer.from(picture.draw(n))));
    const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '320x180', '-r', '25', '-i', 'pipe:0'];
    const encode = [
      '-vf',
      `scale=${width}:${height}`,
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-crf',
      `${crf}`,
    ];
    const maxBuffer = 1 << 28;
    const encoded = execFileSync(
      encoder,
      ['-v', 'error', ...input, ...encode, '-g', '50', '-f', 'mpegts', 'pipe:1'],
      { input: source, maxBuffer },
    );
    return execFileSync(
      decoder,
      ['-v', 'error', '-i', 'pipe:0', '-vf', 'extractplanes=y', '-f', 'rawvideo', 'pipe:1'],
      { input: encoded, maxBuffer },
    );
  };

  it.each([
    [320, 180, 26],
    [256, 144, 28],
    [426, 240, 26],
    [160, 90, 30],
    [160, 90, 34],
  ])('keeps every stamp through x264 at %ix%i, crf %i', (width, height, crf) => {
    const decoded = encodeAndDecode('ffmpeg', oldFfmpeg, width, height, crf);
    const read = Array.from({ length: frames }, (_, n) =>
      readStamp(decoded.subarray(n * width * height), width, height, key, 'ch-1'),
    );
    expect(read).toEqual(Array.from({ length: frames }, (_, n) => ({ ok: true, frame: n })));
  });

  it('moves, and stays inside its buffer at every size and name', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 48, max: 400 }),
        fc.integer({ min: 27, max: 300 }),
        channelId,
        frameCounter,
        (halfWidth, halfHeight, id, frame) => {
          const [widthPx, heightPx] = [2 * halfWidth, 2 * halfHeight];
          const picture = new GeneratedPicture({ widthPx, heightPx, key, channelId: id });
          const first = Buffer.from(picture.draw(frame));
          expect(first.length).toBe((widthPx * heightPx * 3) / 2);
          expect(readStamp(first, widthPx, heightPx, key, id)).toEqual({ ok: true, frame });
          const next = picture.draw((frame + 1) % 2 ** 32);
          const below = stampBandHeightPx(heightPx) * widthPx;
          expect(next.subarray(below).equals(first.subarray(below))).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the stamp key', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stamp-key-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('is made once, also when several processes ask at the same time, and only its owner can read it', async () => {
    const state = join(dir, 'state');
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateStampKey(state)));
    expect(keys[0]).toHaveLength(32);
    for (const other of keys) expect(other.equals(keys[0]!)).toBe(true);
    expect((await loadOrCreateStampKey(state)).equals(keys[0]!)).toBe(true);
    expect((await stat(join(state, 'stamp.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(state)).toEqual(['stamp.key']);
  });

  it('is refused when the file holds something else', async () => {
    await writeFile(join(dir, 'stamp.key'), 'not a key');
    await expect(loadOrCreateStampKey(dir)).rejects.toMatchObject({
      code: 'internal',
      hint: expect.any(String),
    });
  });
});
