import { TransportStreamReader } from '../../src/media/mpegts';
import { makeFragment } from '../../src/media/packaging/fragment';
import { readFragment } from '../origin/support/boxes';
import { decodedFragments } from '../origin/support/decoded-pictures';
import { GOP_DURATION_TICKS, encodeGops } from '../origin/support/segments';

const FRAME_TICKS = 3_600;
const PART_FRAMES = 20;

test('a GOP in stretches is the GOP: the same pictures, and a decoder starts at the first one alone', async () => {
  const [gop] = await encodeGops(1, '160x90', { extra: ['-bf', '0'] });
  const { segment } = gop!;
  const pictures: Buffer[] = [];
  let tables = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onTables: (packets) => (tables = Buffer.from(packets)),
    onUnit: ({ packets }) => pictures.push(Buffer.from(packets)),
  });
  reader.push(segment);
  reader.flush();
  const whole = await makeFragment({
    ...{ segment, track: 'video', startTicks: 0, durationTicks: GOP_DURATION_TICKS },
  });
  const head = Buffer.concat([tables, ...pictures.slice(0, PART_FRAMES)]);
  const media: Uint8Array[] = [];
  for (let from = 0; from < pictures.length; from += PART_FRAMES) {
    const own = pictures.slice(from, from + PART_FRAMES);
    const made = await makeFragment({
      segment: Buffer.concat([tables, ...own]),
      ...(from > 0 && { head }),
      ...{ track: 'video', startTicks: from * FRAME_TICKS, durationTicks: own.length * FRAME_TICKS },
    });
    expect(readFragment(made.media).decodeTime).toBe(from * FRAME_TICKS);
    expect(readFragment(made.media).durations).toHaveLength(own.length);
    media.push(made.media);
    // Flags of the first sample, ISO/IEC 14496-12, 8.8.8.2: where a decoder can start.
    const trun = Buffer.from(made.media).indexOf('trun');
    const isSync = (Buffer.from(made.media).readUInt32BE(trun + 16) & 0x10000) === 0;
    expect(isSync).toBe(from === 0);
  }
  const shown = await decodedFragments(Buffer.concat([whole.init, ...media]), 0);
  expect(shown).toEqual(await decodedFragments(Buffer.concat([whole.init, whole.media]), 0));
});
