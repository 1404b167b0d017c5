import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import {
  FEED_OFFSET_TICKS,
  SwarmError,
  TICKS_PER_SECOND,
  gopOf,
  gopStartTicks,
  rateForFfmpeg,
} from '../../domain';
import { confined } from '../../platform/processes/confined';
import { TransportStreamReader, type PesUnit } from '../mpegts';
import { PROBE_FIRST_GOP, PROBE_GOPS, type ProbeCase } from './probe-cases';

const run = promisify(execFile);
/** Before the first GOP, so that frames of the feed are dropped as after a join amid a GOP of the contribution. */
const LEAD_SECONDS = 0.6;
/** Behind the last GOP: the frame that ends it, and what the encoder holds back. */
const TAIL_SECONDS = 0.8;
const MAKE_LIMIT_MS = 20_000;
const MAX_CLIP_BYTES = 32 * 1024 * 1024;

/** A contribution as the relay's feed gives it: MPEG-TS in which the first GOP stands at FEED_OFFSET_TICKS. */
export interface ReferenceClip {
  probeCase: ProbeCase;
  feed: Buffer;
  /** Hex SHA-256 of `feed`. */
  sha256: string;
  /** What the relay's ledger would say: PTS of each GOP in channel time, ascending; [0] is PROBE_FIRST_GOP. */
  ptsTicks: number[][];
}

/** Passes on what the relay does: the tables that a decoder needs, and the units. */
const asFeed = (recorded: Buffer): { feed: Buffer; units: PesUnit[] } => {
  const units: PesUnit[] = [];
  let tables = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      tables = Buffer.from(packets);
    },
    onUnit: (unit) => units.push(unit),
  });
  reader.push(recorded);
  reader.flush();
  return { feed: Buffer.concat([tables, ...units.map((unit) => unit.packets)]), units };
};

/** PTS of the pictures by GOP, in channel time. */
const ledgerOf = (units: readonly PesUnit[], { gopDurationTicks }: ProbeCase): number[][] => {
  const ledger: number[][] = Array.from({ length: PROBE_GOPS }, () => []);
  for (const { kind, ptsTicks } of units) {
    const gop = gopOf(ptsTicks - FEED_OFFSET_TICKS, gopDurationTicks);
    if (kind !== 'video' || gop < 0) continue;
    ledger[gop]?.push(ptsTicks - FEED_OFFSET_TICKS + gopStartTicks(PROBE_FIRST_GOP, gopDurationTicks));
  }
  return ledger.map((pts) => pts.sort((a, b) => a - b));
};

/**
 * Makes the reference clip of a case: a moving test picture with a tone, H.264 with B-frames, its keyframes not where
 * the GOPs begin. The same ffmpeg gives the same bytes; another gives other bytes of the same frames.
 * @throws SwarmError unavailable when the clip can't be made
 */
export const makeReferenceClip = async (
  ffmpegPath: string,
  probeCase: ProbeCase,
  signal?: AbortSignal,
): Promise<ReferenceClip> => {
  const { framesPerSecond, gopDurationTicks, source } = probeCase;
  const seconds = LEAD_SECONDS + (PROBE_GOPS * gopDurationTicks) / TICKS_PER_SECOND + TAIL_SECONDS;
  const picture = `testsrc2=size=${source.widthPx}x${source.heightPx}:rate=${rateForFfmpeg(framesPerSecond)}:duration=${seconds}`;
  const { command, args, env } = confined(ffmpegPath, [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-f', 'lavfi', '-i', picture],
    ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-bf', '2', '-sc_threshold', '0'],
    ...['-g', String(source.keyFrameEveryFrames), '-c:a', 'aac', '-flags', '+bitexact'],
    ...['-fflags', '+bitexact', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-output_ts_offset', String(FEED_OFFSET_TICKS / TICKS_PER_SECOND - LEAD_SECONDS)],
    ...['-f', 'mpegts', 'pipe:1'],
  ]);
  const limits = { maxBuffer: MAX_CLIP_BYTES, timeout: MAKE_LIMIT_MS, ...(signal && { signal }) };
  const { stdout } = await run(command, args, { encoding: 'buffer', env, ...limits }).catch(
    (error: Error) => {
      throw new SwarmError(
        'unavailable',
        `The reference clip ${probeCase.name} could not be made with ${ffmpegPath}: ${error.message.trim()}.`,
        'Check that this ffmpeg runs and has libx264.',
      );
    },
  );
  const { feed, units } = asFeed(stdout);
  return {
    probeCase,
    feed,
    sha256: createHash('sha256').update(feed).digest('hex'),
    ptsTicks: ledgerOf(units, probeCase),
  };
};
