import {
  MalformedTransportStream,
  PACKET_BYTES,
  TransportStreamReader,
  WRAP_TICKS,
  wrapTicks,
  type PesUnit,
} from '../../src/media/mpegts';
import { ffmpegBuilds, makeClip, probePackets } from './ffmpeg-clips';

const read = (stream: Buffer, chunkBytes = 1000, resyncLimitBytes = 0) => {
  const units: PesUnit[] = [];
  const tables: Buffer[] = [];
  const reader = new TransportStreamReader(
    { onUnit: (unit) => units.push(unit), onTables: (packets) => tables.push(packets) },
    { resyncLimitBytes },
  );
  for (let at = 0; at < stream.length; at += chunkBytes) reader.push(stream.subarray(at, at + chunkBytes));
  reader.flush();
  return { units, tables, video: units.filter((u) => u.kind === 'video') };
};

describe.each(ffmpegBuilds)('TransportStreamReader on the output of %s', (ffmpeg) => {
  const expectAsProbed = (clip: Buffer) => {
    const { video } = read(clip);
    const probed = probePackets(clip, 'v');
    expect(probed.length).toBeGreaterThan(20);
    expect(video.map((u) => u.ptsTicks)).toEqual(probed.map((p) => wrapTicks(p.pts)));
    expect(video.map((u) => u.dtsTicks)).toEqual(probed.map((p) => wrapTicks(p.dts)));
    expect(video.map((u) => u.keyframe)).toEqual(probed.map((p) => p.keyframe));
    return video;
  };

  it('finds PTS, DTS and keyframes of H.264 with B-frames and AAC as ffprobe does', () => {
    const clip = makeClip(ffmpeg, { audio: ['-c:a', 'aac', '-ar', '48000'] });
    const video = expectAsProbed(clip);
    expect(video.filter((u) => u.idr)).toHaveLength(2);
    expect(video.some((u) => u.ptsTicks !== u.dtsTicks)).toBe(true);
    const { units, tables } = read(clip);
    const audio = units.filter((u) => u.kind === 'audio');
    expect(audio.length).toBeGreaterThan(5);
    expect(audio.every((u) => !u.keyframe && u.packets.length % PACKET_BYTES === 0)).toBe(true);
    expect(tables).toHaveLength(1);
    expect(tables[0]).toHaveLength(2 * PACKET_BYTES);
  });

  it('is right across the 33-bit wrap', () => {
    const startSeconds = WRAP_TICKS / 90_000 - 1;
    const clip = makeClip(ffmpeg, { startSeconds });
    const video = expectAsProbed(clip);
    expect(video.some((u) => u.ptsTicks > WRAP_TICKS - 90_000)).toBe(true);
    expect(video.some((u) => u.ptsTicks < 90_000)).toBe(true);
  });

  it('tells open-GOP keyframes from IDR pictures in H.264', () => {
    const video = expectAsProbed(
      makeClip(ffmpeg, {
        video: ['-c:v', 'libx264', '-bf', '2', '-g', '10', '-x264-params', 'open-gop=1:scenecut=0'],
      }),
    );
    expect(video.filter((u) => u.keyframe).length).toBeGreaterThan(video.filter((u) => u.idr).length);
    expect(video[0]).toMatchObject({ keyframe: true, idr: true });
  });

  it('knows the I pictures of MPEG-2 without the random access indicator', () => {
    const clip = makeClip(ffmpeg, { video: ['-c:v', 'mpeg2video', '-bf', '2', '-g', '12', '-b:v', '400k'] });
    expectAsProbed(clip);
    for (let at = 0; at < clip.length; at += PACKET_BYTES)
      if (clip[at + 3]! & 0x20 && clip[at + 4]! > 0) clip[at + 5]! &= ~0x40;
    const probed = probePackets(clip, 'v');
    expect(read(clip).video.map((u) => u.keyframe)).toEqual(probed.map((p) => p.keyframe));
  });

  it('gives the same units however the stream is cut', () => {
    const clip = makeClip(ffmpeg, { seconds: 1, audio: ['-c:a', 'mp2'] });
    const whole = read(clip, clip.length).units;
    for (const chunkBytes of [1, 187, 188, 189, 4096]) expect(read(clip, chunkBytes).units).toEqual(whole);
  });
});

describe('TransportStreamReader', () => {
  const clip = makeClip('ffmpeg', { audio: ['-c:a', 'aac'] });

  it('keeps every payload packet of the streams once, in order', () => {
    const { video } = read(clip);
    const kept = Buffer.concat(video.map((u) => u.packets));
    const pid = video[0]!.pid;
    const sent: Buffer[] = [];
    for (let at = 0; at < clip.length; at += PACKET_BYTES)
      if ((clip.readUInt16BE(at + 1) & 0x1fff) === pid) sent.push(clip.subarray(at, at + PACKET_BYTES));
    expect(kept.equals(Buffer.concat(sent))).toBe(true);
  });

  it('hands a unit over at once when its length is announced', () => {
    const bounded = makeClip('ffmpeg', { seconds: 1, muxer: ['-omit_video_pes_length', '0'] });
    const counts: number[] = [];
    const reader = new TransportStreamReader({ onUnit: () => counts.push(1) });
    reader.push(bounded);
    expect(counts).toHaveLength(25);
    expect(reader.endsCutShort).toBe(false);
  });

  it('tells the tables again when they change', () => {
    const other = makeClip('ffmpeg', { seconds: 1 });
    const { tables, units } = read(Buffer.concat([clip, other]));
    expect(tables).toHaveLength(2);
    expect(units.filter((u) => u.kind === 'video')).toHaveLength(75);
  });

  it('refuses lost sync, and passes over junk within its limit', () => {
    const junk = Buffer.alloc(3000, 0x11);
    const cut = 200 * PACKET_BYTES;
    const broken = Buffer.concat([junk, clip.subarray(0, cut), junk, clip.subarray(cut)]);
    expect(() => read(broken)).toThrow(MalformedTransportStream);
    expect(() => read(broken, 1000, 2999)).toThrow(MalformedTransportStream);
    const healed = read(broken, 1000, 4000);
    expect(healed.video.map((u) => u.ptsTicks)).toEqual(read(clip).video.map((u) => u.ptsTicks));
  });

  it('joins a stream amid a unit', () => {
    const { video } = read(clip.subarray(9 * PACKET_BYTES));
    expect(video.length).toBeGreaterThan(45);
  });

  it('reads past scrambled and damaged packets', () => {
    const damaged = Buffer.from(clip);
    for (let at = 0; at < damaged.length; at += 40 * PACKET_BYTES) damaged[at + 1]! |= 0x80;
    expect(read(damaged).video.length).toBeGreaterThan(10);
  });
});
