import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inspectSegment, ptsLedgerHash, retimePackets } from '../../../src/media/mpegts';

const run = promisify(execFile);

const KEPT_GOPS = 128;

/**
 * GOPs of a picture of 16x16, real H.264 in MPEG-TS as the origin demands, made once and set to the time of each
 * GOP: what a session would encode costs nothing.
 */
export class TinyGops {
  private readonly made = new Map<number, Buffer>();

  private constructor(
    private readonly first: Buffer,
    private readonly firstPtsTicks: readonly number[],
    private readonly gopDurationTicks: number,
  ) {}

  static async make(options: {
    ffmpegPath: string;
    gopDurationTicks: number;
    framesPerSecond: number;
  }): Promise<TinyGops> {
    const frames = Math.round((options.gopDurationTicks / 90_000) * options.framesPerSecond);
    const { stdout } = await run(
      options.ffmpegPath,
      [
        ...['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i'],
        ...[`color=size=16x16:rate=${options.framesPerSecond}`, '-frames:v', String(frames)],
        ...['-c:v', 'libx264', '-profile:v', 'main', '-level', '3.0', '-pix_fmt', 'yuv420p', '-threads', '1'],
        ...['-g', String(frames), '-bf', '0', '-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts', 'pipe:1'],
      ],
      { encoding: 'buffer', maxBuffer: 1 << 24 },
    );
    const base = Math.min(...inspectSegment(stdout).videoPtsTicks);
    retimePackets(stdout, -base);
    const ptsTicks = [...inspectSegment(stdout).videoPtsTicks].sort((a, b) => a - b);
    return new TinyGops(stdout, ptsTicks, options.gopDurationTicks);
  }

  segment(gop: number): Buffer {
    const known = this.made.get(gop);
    if (known) return known;
    const segment = Buffer.from(this.first);
    retimePackets(segment, gop * this.gopDurationTicks);
    this.made.set(gop, segment);
    for (const old of this.made.keys()) {
      if (this.made.size <= KEPT_GOPS) break;
      this.made.delete(old);
    }
    return segment;
  }

  /** What the relay tells of a GOP. */
  ledger(gop: number): { gop: number; ptsTicks: number[]; sha256: string } {
    const ptsTicks = this.firstPtsTicks.map((pts) => pts + gop * this.gopDurationTicks);
    return { gop, ptsTicks, sha256: ptsLedgerHash(ptsTicks) };
  }
}
