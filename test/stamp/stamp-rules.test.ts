import { createHash, createHmac } from 'node:crypto';
import { drawStamp, readStamp, stampBandHeightPx } from '../../src/media/stamp';
import { decodePayload, encodePayload, MAX_FRAME } from '../../src/media/stamp/payload';
import { refusalFrom } from '../support/refusal';

const key = Buffer.from('0123456789abcdef0123456789abcdef');
const W = 192;
const H = 108;
const stamped = (frame: number, channel = 'ch-1', width = W, height = H): Uint8Array => {
  const luma = new Uint8Array(width * height).fill(128);
  drawStamp(luma, width, height, key, channel, frame);
  return luma;
};

describe('the payload', () => {
  test('is the hash of the channel, the counter and a truncated HMAC over both', () => {
    const payload = encodePayload(key, 'ch-1', 0x01020304);
    const counter = Buffer.from([1, 2, 3, 4]);
    expect(payload).toHaveLength(14);
    expect(payload.subarray(0, 2)).toEqual(createHash('sha256').update('ch-1').digest().subarray(0, 2));
    expect(payload.subarray(2, 6)).toEqual(counter);
    const mac = createHmac('sha256', key).update('ch-1').update(counter).digest().subarray(0, 8);
    expect(payload.subarray(6)).toEqual(mac);
  });

  test('is genuine as it was made, and with no bit changed', () => {
    const payload = encodePayload(key, 'ch-1', 77);
    expect(decodePayload(payload, key, 'ch-1')).toEqual({ ok: true, frame: 77 });
    for (let bit = 0; bit < 14 * 8; bit++) {
      const forged = Buffer.from(payload);
      forged[bit >> 3]! ^= 128 >> (bit & 7);
      expect(decodePayload(forged, key, 'ch-1')).toEqual({
        ok: false,
        reason: bit < 16 ? 'stamp of another channel' : 'stamp with a wrong HMAC',
      });
    }
  });

  test('is not that of another channel or another key', () => {
    const payload = encodePayload(key, 'ch-1', 77);
    expect(decodePayload(payload, key, 'ch-2')).toEqual({ ok: false, reason: 'stamp of another channel' });
    const other = Buffer.from('another key');
    expect(decodePayload(payload, other, 'ch-1')).toEqual({ ok: false, reason: 'stamp with a wrong HMAC' });
  });
});

describe('a stamped picture', () => {
  test.each([0, 1, 255, 1_000_000, MAX_FRAME])('gives frame %i back', (frame) => {
    expect(readStamp(stamped(frame), W, H, key, 'ch-1')).toEqual({ ok: true, frame });
  });

  test.each([
    [96, 54],
    [97, 55],
    [320, 180],
    [1280, 720],
    [128, 72],
  ])('of %ix%i can be read, from the rows of its band alone', (width, height) => {
    const luma = stamped(4_711, 'ch-1', width, height);
    const band = luma.subarray(0, width * stampBandHeightPx(height));
    expect(readStamp(band, width, height, key, 'ch-1')).toEqual({ ok: true, frame: 4_711 });
  });

  /** Turns black and white round where a cell's own coordinates, from 0 to 1, say so. */
  const spoilt = (isSpoilt: (across: number, down: number) => boolean): Uint8Array => {
    const [width, height] = [1280, 720];
    const luma = stamped(4_711, 'ch-1', width, height);
    const cellPx = 40;
    for (let y = 0; y < stampBandHeightPx(height); y++) {
      for (let x = 0; x < width; x++) {
        const [across, down] = [((x + 0.5) / cellPx) % 1, ((y + 0.5) / cellPx) % 1];
        if (isSpoilt(across, down)) luma[y * width + x] = 251 - luma[y * width + x]!;
      }
    }
    return luma;
  };
  const isOuter = (at: number): boolean => at < 0.25 || at > 0.75;

  test('is read in the middle half of its cells: what is around that may be lost in the encode', () => {
    const luma = spoilt((across, down) => isOuter(across) || isOuter(down));
    expect(readStamp(luma, 1280, 720, key, 'ch-1')).toEqual({ ok: true, frame: 4_711 });
  });

  test.each([0, 1, 2, 3, 4])(
    'is read though strip %i of five through the middle of each cell is lost',
    (strip) => {
      const isIn = (at: number): boolean => Math.floor((at - 0.25) / 0.1) === strip;
      for (const luma of [spoilt((across) => isIn(across)), spoilt((_, down) => isIn(down))])
        expect(readStamp(luma, 1280, 720, key, 'ch-1')).toEqual({ ok: true, frame: 4_711 });
    },
  );

  test('is black and white in video range within its band, and as it was below', () => {
    const luma = stamped(1);
    const rows = stampBandHeightPx(H);
    expect(rows).toBe(24);
    expect([...new Set(luma.subarray(0, rows * W))].sort((a, b) => a - b)).toEqual([16, 235]);
    expect(new Set(luma.subarray(rows * W))).toEqual(new Set([128]));
  });

  test('has a checkerboard of reference cells at both ends of each row', () => {
    const luma = stamped(1);
    const cellPx = W / 32;
    for (let row = 0; row < 4; row++) {
      for (const column of [0, 1, 30, 31]) {
        const at = (row * 6 + 3) * W + column * cellPx + 3;
        expect(luma[at]).toBe((row + column) % 2 === 1 ? 235 : 16);
      }
    }
  });

  test.each([
    [95, 54],
    [96, 53],
  ])('of %ix%i is too small to be made, and says what is large enough', (width, height) => {
    const refusal = refusalFrom(() => stamped(0, 'ch-1', width, height));
    expect(refusal).toMatchObject({
      code: 'bad-request',
      message: `A stamp does not fit into ${width}x${height}.`,
      hint: 'Use at least 96x54.',
    });
  });

  test.each([-1, 0.5, MAX_FRAME + 1, NaN])('has no frame %d', (frame) => {
    const refusal = refusalFrom(() => stamped(frame));
    expect(refusal.code).toBe('bad-request');
    expect(refusal.message).toBe(`Frame counter ${frame} is not an integer in [0, 4294967295].`);
  });
});

describe('a picture without a readable stamp', () => {
  const NONE = { ok: false, reason: 'no readable stamp' };
  const read = (luma: Uint8Array) => readStamp(luma, W, H, key, 'ch-1');

  test.each([
    [31, 108],
    [192, 17],
  ])('of %ix%i is too small to hold one', (width, height) => {
    const reading = readStamp(new Uint8Array(width * height), width, height, key, 'ch-1');
    expect(reading).toEqual({ ok: false, reason: 'picture too small for a stamp' });
  });

  test('of 32x18, a pixel a cell, may still hold one', () => {
    const small = new Uint8Array(32 * 18);
    const large = stamped(9);
    for (let row = 0; row < 4; row++)
      for (let column = 0; column < 32; column++)
        small[row * 32 + column] = large[(row * 6 + 3) * W + column * 6 + 3]!;
    expect(readStamp(small, 32, 18, key, 'ch-1')).toEqual({ ok: true, frame: 9 });
  });

  test('is grey, or black on white', () => {
    expect(read(new Uint8Array(W * H).fill(128))).toEqual(NONE);
    expect(read(stamped(5).map((y) => 251 - y))).toEqual(NONE);
  });

  test('has less contrast than 60 steps; 60 are enough', () => {
    const withContrast = (steps: number): Uint8Array => stamped(5).map((y) => (y === 235 ? 100 + steps : y === 16 ? 100 : y)); // prettier-ignore
    expect(read(withContrast(60))).toEqual({ ok: true, frame: 5 });
    expect(read(withContrast(59))).toEqual(NONE);
  });

  test('has one reference cell that is not what it must be: white, or black', () => {
    const fillCell = (row: number, column: number, value: number): Uint8Array => {
      const luma = stamped(5);
      for (let y = 0; y < 6; y++)
        luma.fill(value, (row * 6 + y) * W + column * 6, (row * 6 + y) * W + column * 6 + 6);
      return luma;
    };
    expect(read(fillCell(0, 1, 16))).toEqual(NONE);
    expect(read(fillCell(0, 0, 235))).toEqual(NONE);
    expect(read(fillCell(3, 31, 235))).toEqual(NONE);
    expect(read(fillCell(3, 30, 16))).toEqual(NONE);
  });

  test('bears noise: a payload cell counts by which of white and black it is nearer to', () => {
    const noisy = stamped(5).map((y, i) => (y === 235 ? 235 - ((i * 37) % 90) : 16 + ((i * 53) % 90)));
    expect(read(noisy)).toEqual({ ok: true, frame: 5 });
  });
});
