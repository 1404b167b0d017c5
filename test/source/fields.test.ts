import { execFileSync } from 'node:child_process';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { makeInputFiles, specOf, type InputFiles } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

let files: InputFiles;
makeInputFiles((made) => (files = made));

describe('an interlaced input', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });

  it('of which each field becomes a picture has twice as many, one motion each', async () => {
    const [width, height] = [320, 180];
    const bar =
      `color=black:s=${width}x${height}:r=50:d=6[b];color=white:s=8x${height}:r=50:d=6[w];` +
      "[b][w]overlay=x='mod(n*10,300)':shortest=1,tinterlace=interleave_top,fieldorder=tff";
    const url = await files.make(
      'fields.ts',
      ...[
        '-f',
        'lavfi',
        '-i',
        bar,
        '-c:v',
        'mpeg2video',
        '-q:v',
        '2',
        '-flags',
        '+ilme+ildct',
        '-top',
        '1',
        '-g',
        '12',
      ],
    );
    const { notes } = await source.put('fields', {
      ...specOf(url),
      ...{ framesPerSecond: 50, deinterlace: 'field' },
    });
    expect(notes).toEqual([expect.stringContaining('Each of its fields becomes a picture.')]);
    const feed = await fetch(relay.feedUrl('fields', 0));
    const ledgers = [];
    for (let gop = 0; gop < 2; gop++) ledgers.push((await relay.ledger('fields', gop, 10_000)).ptsTicks);
    await source.remove('fields');
    expect(ledgers.flat()).toEqual(Array.from({ length: 100 }, (_, i) => i * 1_800));
    const gray = execFileSync(
      'ffmpeg',
      ['-v', 'error', '-i', 'pipe:0', '-frames:v', '50', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
      { input: Buffer.from(await feed.arrayBuffer()), maxBuffer: 1 << 26 },
    );
    // Where the bar begins in a row of each of the two fields.
    const places = Array.from({ length: 50 }, (_, i) =>
      [90, 91].map((y) => {
        const row = (i * height + y) * width;
        return gray.subarray(row, row + width).findIndex((luma) => luma > 150);
      }),
    );
    for (const [i, [top, bottom]] of places.slice(5, 25).entries()) {
      expect(Math.abs(top! - bottom!)).toBeLessThanOrEqual(3);
      // 10 pixels with each field: no picture is shown twice.
      expect(Math.abs(places[i + 6]![0]! - top! - 10)).toBeLessThanOrEqual(3);
    }
  });
});
