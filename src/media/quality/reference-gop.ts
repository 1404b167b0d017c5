import { SwarmError, type Deinterlace, type FrameRate, type Rendition } from '../../domain';
import { EncodeRun } from '../encoder/encode-run';
import type { FfmpegCapabilities } from '../encoder/ffmpeg-capabilities';

/** GOPs encoded before the one that is wanted: rate control begins cold (see ffmpegArguments). */
const WARM_UP_GOPS = 2;

/**
 * Encodes one GOP of a channel's feed once more, just as an encode session does, and gives the segment.
 * @throws SwarmError gop-left-ring, unknown-channel, unavailable: the relay's; session-failed: the encode failed;
 *   timeout: the signal was aborted
 */
export const encodeReferenceGop = (options: {
  feedUrl: string;
  gop: number;
  gopDurationTicks: number;
  framesPerSecond: FrameRate;
  deinterlace: Deinterlace | undefined;
  rendition: Rendition;
  ffmpeg: FfmpegCapabilities;
  signal: AbortSignal;
}): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const over = (settle: () => void): void => {
      options.signal.removeEventListener('abort', giveUp);
      run.stop();
      settle();
    };
    const giveUp = (): void =>
      over(() => reject(new SwarmError('timeout', `GOP ${options.gop} was not encoded in time.`)));
    const fail = (code: 'session-failed', message: string): void =>
      over(() => reject(new SwarmError(code, `GOP ${options.gop} can't be encoded: ${message}.`)));
    const run = new EncodeRun({
      feedUrl: options.feedUrl,
      fromGop: Math.max(0, options.gop - WARM_UP_GOPS),
      gopDurationTicks: options.gopDurationTicks,
      framesPerSecond: options.framesPerSecond,
      deinterlace: options.deinterlace,
      renditions: [options.rendition],
      ffmpeg: options.ffmpeg,
      onGop: ({ gop, segments }) => {
        const [made] = segments;
        if (gop === options.gop && made) over(() => resolve(made.segment));
      },
      onEnd: (end) => {
        if (end.kind === 'refused') over(() => reject(end.error));
        else fail('session-failed', end.kind === 'crashed' ? end.message : 'the feed ended');
      },
    });
    options.signal.addEventListener('abort', giveUp);
    void run.start();
  });
