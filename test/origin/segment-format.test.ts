import { parseSequenceParameters } from '../../src/media/origin/h264-sps';
import { readSegmentFormat } from '../../src/media/origin/segment-format';
import { encodeGops } from './support/segments';

const formatOf = async (size: string, options: Parameters<typeof encodeGops>[2] = {}) => {
  const [gop] = await encodeGops(1, size, options);
  return readSegmentFormat(gop!.segment, options.audio === true);
};

describe('format of a segment made by x264', () => {
  // 640x360 and 426x240 are not whole macroblocks: their size comes from the cropping.
  test.each([
    ['320x180', {}, { widthPx: 320, heightPx: 180, codecs: 'avc1.4d401e' }],
    ['426x240', {}, { widthPx: 426, heightPx: 240, codecs: 'avc1.4d401e' }],
    [
      '640x360',
      { profile: 'high', extra: ['-x264-params', '8x8dct=1'] },
      { widthPx: 640, heightPx: 360, codecs: 'avc1.64001e' },
    ],
    [
      '128x96',
      { profile: 'baseline', extra: ['-bf', '0'] },
      { widthPx: 128, heightPx: 96, codecs: 'avc1.42c01e' },
    ],
    [
      '202x98',
      { profile: 'high444', extra: ['-pix_fmt', 'yuv444p'] },
      { widthPx: 202, heightPx: 98, codecs: 'avc1.f4001e' },
    ],
    [
      '320x180',
      { profile: 'high', extra: ['-flags', '+ildct+ilme', '-x264-params', 'tff=1:cqm=jvt:8x8dct=1'] },
      { widthPx: 320, heightPx: 180, codecs: 'avc1.64001e' },
    ],
  ] as const)('%s %j', async (size, options, expected) => {
    expect(await formatOf(size, options as Parameters<typeof encodeGops>[2])).toMatchObject(expected);
  });

  const x265 = (more = ''): string[] => ['-c:v', 'libx265', '-x265-params', `log-level=none${more}`];
  test.each([
    ['smpte2084', [], 'PQ'],
    ['arib-std-b67', [], 'HLG'],
    ['bt709', [], undefined],
    ['smpte2084', x265(), 'PQ'],
    ['arib-std-b67', x265(':scaling-list=default:ref=4:bframes=3'), 'HLG'],
    ['bt709', x265(), undefined],
  ])('the range of %s %j', async (transfer, more, videoRange) => {
    const marks = ['-color_primaries', 'bt2020', '-color_trc', transfer, '-colorspace', 'bt2020nc'];
    const filter = ['-vf', `setparams=color_primaries=bt2020:color_trc=${transfer}:colorspace=bt2020nc`];
    const format = await formatOf('128x96', { extra: [...more, ...filter, ...marks] });
    expect(format.videoRange).toBe(videoRange);
  });

  test('names the audio that is carried along', async () => {
    expect((await formatOf('128x96', { audio: true })).codecs).toBe('avc1.4d401e,mp4a.40.2');
  });

  test('parameter sets: the same for the same settings, others for others', async () => {
    const [a, again, other] = [await formatOf('128x96'), await formatOf('128x96'), await formatOf('160x96')];
    expect(again.parameterSets).toBe(a.parameterSets);
    expect(other.parameterSets).not.toBe(a.parameterSets);
  });

  test('a broken parameter set is an error, not a hang', () => {
    expect(() => parseSequenceParameters(Buffer.from([0x67, 0x4d, 0x40]))).toThrow(RangeError);
    expect(() =>
      parseSequenceParameters(Buffer.from([0x67, 0x4d, 0x40, 0x1e, ...Array(40).fill(0)])),
    ).toThrow(RangeError);
  });

  test('what is not H.264 is refused', async () => {
    const [gop] = await encodeGops(1, '128x96');
    expect(() => readSegmentFormat(gop!.segment.subarray(0, 188 * 2), false)).toThrow(
      'neither H.264 nor HEVC',
    );
  });
});
