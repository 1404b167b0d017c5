import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { idSchema } from '../domain';
import { detectFfmpeg, type FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { parseOrRefuse } from '../platform/http';
import { checkPlaylist } from './check-playlist';
import { Contributions, type Contribution } from './contribution';
import { ReadContribution } from './contribution-view';
import { PlaylistFollower, type CollectedPlaylist } from './follower';
import { createLimit } from './limit';
import { summarise, type PlaylistReport, type VerifyReport } from './report';

const PARALLEL_DECODERS = 2;

const checkSchema = z.object({
  /** Key of the stamps; null: no channel carries any, check by time stamps. */
  key: z.instanceof(Buffer).nullable(),
  /** Every one of these builds of ffmpeg decodes everything. */
  ffmpegPaths: z.array(z.string().min(1)).min(1),
  /** Per channel: the first GOP that must be there. Without it: the first one that the playlist lists. */
  fromGop: z.record(z.string(), z.int().min(0)).optional(),
  /** Channels whose pictures carry no stamp (their input is a URL). Never guessed: a fake has no stamp either. */
  unstampedChannels: z.array(idSchema).optional(),
  /** How many speakers the stamped sound of a channel has. Of others, what sound there is must carry stamps. */
  speakers: z.record(z.string(), z.int().min(1)).optional(),
});

const verifySchema = checkSchema.extend({
  /** HLS playlists, master or media: URLs or paths `…/<channel>/index.m3u8`, `…/<channel>/<rendition>/index.m3u8`. */
  playlists: z.array(z.string().min(1)).min(1),
  /** How much of the past to ask the origin for. */
  windowSeconds: z.number().positive().optional(),
  /** How long to follow live playlists: verifies all that appeared; without it: what they list now. */
  followMs: z.number().positive().optional(),
  /** Relay whose contributions the published pictures and sound are compared with. */
  relayUrl: z.url().optional(),
});

interface Hooks {
  onProgress?: (done: number, total: number) => void;
  /** Ends following early; what was collected is verified. */
  signal?: AbortSignal;
}

export type CheckCollectedOptions = z.input<typeof checkSchema> & Pick<Hooks, 'onProgress'>;
export type VerifyOptions = z.input<typeof verifySchema> & Hooks;

/**
 * The continuity check: every frame of the source clock is shown once, in order, at its time, and is genuine;
 * in the container of each segment, and as every given decoder shows it, as a playlist and as a concatenation.
 * The only holes allowed are declared gaps. See PlaylistReport for what is counted.
 * @throws SwarmError unavailable (playlist can't be fetched, ffmpeg can't be run), bad-request (options; a
 *   playlist that is empty or not HLS). Each has a hint.
 */
export const verifyPlaylists = async (options: VerifyOptions): Promise<VerifyReport> => {
  const checked = parseOrRefuse(verifySchema, options, 'verification');
  const { playlists, windowSeconds, followMs, relayUrl } = checked;
  const builds = await Promise.all(checked.ffmpegPaths.map(detectFfmpeg));
  const followers = playlists.map(() => new PlaylistFollower({ windowSeconds }));
  const contributions = new Contributions();
  try {
    await Promise.all(followers.map((follower, i) => follower.start(playlists[i]!)));
    if (relayUrl !== undefined)
      await contributions.start(
        relayUrl,
        followers.flatMap((follower) => follower.channelIds),
      );
    if (followMs !== undefined) {
      await sleep(followMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
    const collected = (await Promise.all(followers.map((follower) => follower.stop()))).flat();
    const lastGops = new Map<string, number>();
    for (const { channelId, segments } of collected)
      lastGops.set(channelId, Math.max(lastGops.get(channelId) ?? -1, segments.at(-1)?.gop ?? -1));
    const sent = await contributions.stop(lastGops);
    return await checkAll(collected, builds, checked, { sent, onProgress: options.onProgress });
  } finally {
    await Promise.allSettled([...followers.map((follower) => follower.dispose()), contributions.dispose()]);
  }
};

/**
 * The same check of what PlaylistFollowers have collected.
 * @throws SwarmError unavailable when a build of ffmpeg can't be run, bad-request for bad options
 */
export const verifyCollected = async (
  collected: readonly CollectedPlaylist[],
  options: CheckCollectedOptions,
): Promise<VerifyReport> => {
  const checked = parseOrRefuse(checkSchema, options, 'verification');
  const builds = await Promise.all(checked.ffmpegPaths.map(detectFfmpeg));
  return checkAll(collected, builds, checked, { sent: new Map(), onProgress: options.onProgress });
};

const checkAll = async (
  collected: readonly CollectedPlaylist[],
  builds: readonly FfmpegCapabilities[],
  { key, fromGop, unstampedChannels, speakers }: z.output<typeof checkSchema>,
  { sent, onProgress }: Pick<Hooks, 'onProgress'> & { sent: ReadonlyMap<string, Contribution> },
): Promise<VerifyReport> => {
  const limitPlaylists = createLimit(PARALLEL_DECODERS);
  const limitDecoders = createLimit(PARALLEL_DECODERS);
  const [build] = builds;
  const contributions = new Map(
    [...sent].map(([id, contribution]) => [
      id,
      new ReadContribution(contribution, { build: build!, limit: limitDecoders }),
    ]),
  );
  let done = 0;
  onProgress?.(0, collected.length);
  const check = async (playlist: CollectedPlaylist): Promise<PlaylistReport> => {
    const report = await checkPlaylist(playlist, {
      builds,
      limit: limitDecoders,
      key: unstampedChannels?.includes(playlist.channelId) ? null : key,
      speakers: speakers?.[playlist.channelId],
      fromGop: fromGop?.[playlist.channelId],
      contribution: contributions.get(playlist.channelId),
    });
    onProgress?.(++done, collected.length);
    return report;
  };
  const reports = await Promise.all(collected.map((playlist) => limitPlaylists(() => check(playlist))));
  return summarise(
    reports,
    builds.map((build) => build.version),
  );
};
