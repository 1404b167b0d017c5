import type { OriginChannel, OriginClient } from '../../contracts/origin';
import type { RelayClient } from '../../contracts/relay';
import type { ChannelSpec, InstalledBuild } from '../../domain';
import { Deadline } from '../../platform/deadline';
import { ssimToDb } from '../../versions';
import { detectFfmpeg, type FfmpegCapabilities } from '../encoder/ffmpeg-capabilities';
import { readInputGop } from './input-gop';
import { encodeReferenceGop } from './reference-gop';
import { ssimOf } from './similarity';

/** Two short encodes' worth of work; a machine that takes longer has none to spare for measuring. */
const MEASURE_WITHIN_MS = 8_000;

/**
 * Measures how well a channel's latest GOP is encoded, against another build on the same GOP: what is on air, and
 * what the other build makes of the same input, are both compared with the input. The smallest rendition only.
 */
export class GopQuality {
  private readonly capabilities = new Map<string, Promise<FfmpegCapabilities>>();

  constructor(
    private readonly options: {
      origin: OriginClient;
      relay: RelayClient;
      /** Compares; no build under test. */
      ffmpegPath: string;
    },
  ) {}

  /** dB of SSIM, or null where it could not be measured, such as for a GOP that has left the ring. */
  async measure(options: {
    spec: ChannelSpec;
    channel: OriginChannel;
    reference: InstalledBuild;
    signal: AbortSignal;
  }): Promise<{ newDb: number; oldDb: number } | null> {
    const { origin, relay, ffmpegPath } = this.options;
    const { spec, channel } = options;
    const { gopDurationTicks, framesPerSecond, deinterlace } = spec;
    const deadline = new Deadline(MEASURE_WITHIN_MS, options.signal);
    const { signal } = deadline;
    const gop = channel.nextGop - 1;
    const [rendition] = spec.ladder;
    const feedUrl = relay.feedUrl(spec.id);
    try {
      const [entry] = await origin.ledger(spec.id, gop, gop + 1, { signal });
      if (!rendition || entry?.sessionId !== channel.owner?.sessionId) return null;
      const ffmpeg = await this.capabilitiesOf(options.reference.executablePath);
      const published = await origin.segment(spec.id, rendition.name, gop, signal);
      const reference = await encodeReferenceGop({
        ...{ feedUrl, gop, gopDurationTicks, framesPerSecond, deinterlace, rendition, ffmpeg, signal },
      });
      const input = await readInputGop({ feedUrl, gop, gopDurationTicks, signal });
      const [newSsim, oldSsim] = await ssimOf({
        ...{ input, segments: [published, reference], rendition, deinterlace },
        ...{ gopDurationTicks, ffmpegPath, signal },
      });
      if (newSsim === undefined || oldSsim === undefined) return null;
      return { newDb: ssimToDb(newSsim), oldDb: ssimToDb(oldSsim) };
    } catch {
      return null;
    } finally {
      deadline.end();
    }
  }

  private capabilitiesOf(path: string): Promise<FfmpegCapabilities> {
    const known = this.capabilities.get(path) ?? detectFfmpeg(path);
    this.capabilities.set(path, known);
    known.catch(() => this.capabilities.delete(path));
    return known;
  }
}
