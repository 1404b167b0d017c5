import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEED_OFFSET_TICKS } from '../../src/domain';
import { SegmentAssembler } from '../../src/media/encoder/segment-assembler';

const GOPS = 6;
const GOP_TICKS = 90_000;
const FRAMES_PER_GOP = 25;

/** A session's output for the same picture; another bitrate, so that its packets number otherwise. */
const segmentsOfSession = (crf: number): Buffer[] => {
  const segments: Buffer[] = [];
  const assembler = new SegmentAssembler({
    fromGop: 0,
    gopDurationTicks: GOP_TICKS,
    onSegment: ({ segment }) => segments.push(segment),
  });
  const offset = String(FEED_OFFSET_TICKS / 90_000);
  const source = `testsrc2=size=160x90:rate=25:duration=${GOPS + 1}`;
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-crf',
    String(crf),
    '-g',
    '25',
    '-sc_threshold',
    '0',
  ];
  const out = [
    '-output_ts_offset',
    offset,
    '-muxdelay',
    '0',
    '-mpegts_flags',
    '+pat_pmt_at_frames',
    '-f',
    'mpegts',
    '-',
  ];
  assembler.push(
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...encode, ...out], {
      maxBuffer: 1 << 26,
    }),
  );
  return segments.slice(0, GOPS);
};

test('a strict decoder loses no picture where GOPs of two sessions meet', () => {
  const [one, other] = [segmentsOfSession(22), segmentsOfSession(34)];
  expect(one).toHaveLength(GOPS);
  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-seams-'));
  try {
    const file = join(folder, 'alternating.ts');
    writeFileSync(file, Buffer.concat(one.map((segment, g) => (g % 2 ? other[g]! : segment))));
    const strict = ['-v', 'error', '-xerror', '-fflags', '+discardcorrupt', '-i', file];
    const gray = execFileSync(
      'ffmpeg',
      [...strict, '-vsync', '0', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
      {
        maxBuffer: 1 << 26,
      },
    );
    expect(gray.length / (160 * 90)).toBe(GOPS * FRAMES_PER_GOP);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
