import { SwarmError } from '../../domain';
import { EncodeRun } from '../encoder/encode-run';
import type { FfmpegCapabilities } from '../encoder/ffmpeg-capabilities';
import type { EncodedGop } from '../encoder/types';
import { serveClip } from './clip-server';
import { PROBE_FIRST_GOP, PROBE_GOPS } from './probe-cases';
import type { ReferenceClip } from './reference-clip';

const LOOPBACK = '127.0.0.1';

/** What an encode of a clip gave. */
export interface ClipEncode {
  /** PROBE_GOPS GOPs from PROBE_FIRST_GOP on. */
  gops: EncodedGop[];
  /** From the first byte of the feed to the last GOP. */
  wallMs: number;
}

/**
 * Encodes a clip with a build just as a session does: the same arguments, fed over HTTP, cut and retimed alike.
 * @throws SwarmError encoder-incompatible when the build fails or gives other GOPs; timeout
 */
export const encodeClip = async (
  clip: ReferenceClip,
  ffmpeg: FfmpegCapabilities,
  options: { limitMs: number; signal?: AbortSignal },
): Promise<ClipEncode> => {
  const { probeCase } = clip;
  const server = await serveClip({ clip, listenOn: LOOPBACK, reachableAs: LOOPBACK });
  const startedAtMs = performance.now();
  const gops: EncodedGop[] = [];
  const failed = (why: string): SwarmError =>
    new SwarmError(
      'encoder-incompatible',
      `${ffmpeg.path} can't encode ${probeCase.name} as sessions do: ${why}.`,
      'Run it by hand, or take another build.',
    );
  let run: EncodeRun | undefined;
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(
        () => reject(failed(`${gops.length} of ${PROBE_GOPS} GOPs came within ${options.limitMs / 1000} s`)),
        options.limitMs,
      );
      abort = () => reject(options.signal?.reason as Error);
      options.signal?.throwIfAborted();
      options.signal?.addEventListener('abort', abort, { once: true });
      run = new EncodeRun({
        feedUrl: server.feedUrl,
        fromGop: PROBE_FIRST_GOP,
        gopDurationTicks: probeCase.gopDurationTicks,
        framesPerSecond: probeCase.framesPerSecond,
        renditions: probeCase.renditions,
        ffmpeg,
        onGop: (gop) => {
          gops.push(gop);
          if (gops.length === PROBE_GOPS) resolve();
        },
        onEnd: (end) =>
          reject(
            end.kind === 'refused'
              ? end.error
              : failed(end.kind === 'crashed' ? end.message : `it ended after ${gops.length} GOPs`),
          ),
      });
      void run.start();
    });
    return { gops, wallMs: performance.now() - startedAtMs };
  } finally {
    clearTimeout(timer);
    if (abort) options.signal?.removeEventListener('abort', abort);
    run?.stop();
    await server.close();
  }
};
