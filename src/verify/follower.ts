import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../platform/clock';
import { temporaryFolder } from '../platform/temporary-folder';
import { createLimit } from './limit';
import { readPlaylistText, saveToFile, shownAs, toUrl } from './location';
import { mediaPlaylistIdentity, parsePlaylist, type ListedSegment, type Playlist } from './playlist';

const PARALLEL_DOWNLOADS = 3;
const DOWNLOAD_ATTEMPTS = 3;
const RETRY_AFTER_MS = 300;

export interface CollectedSegment extends ListedSegment {
  /** The file that holds it; null for a gap, or when it could not be fetched. */
  path: string | null;
  /** Why it could not be fetched. */
  failure?: string;
}

/** What a player of one media playlist was given over the time that it was followed. */
export interface CollectedPlaylist {
  url: string;
  channelId: string;
  rendition: string;
  /** The channel was followed already when this was listed: what is older than its first segment was never in it. */
  joinedLater: boolean;
  /** As the master playlist says; absent where there is none, or it does not. */
  framesPerSecond?: number;
  /** In order of GOP. */
  segments: CollectedSegment[];
  /** What was wrong with the playlist itself. */
  problems: string[];
}

interface FollowedRendition extends CollectedPlaylist {
  key: string;
  /** Was in the master playlist when that was last loaded. */
  onAir: boolean;
}

/**
 * Follows a live playlist, master or media, the way a player does: reloads it, and fetches each segment once,
 * as it appears, to a temporary folder. So a run longer than the playlist's window can be verified. Renditions
 * that join or leave a master playlist are followed while they are listed; one that comes back with a hole
 * behind it is collected again, as a player that switches to it would see it.
 */
export class PlaylistFollower {
  private readonly renditions: FollowedRendition[] = [];
  private readonly limit = createLimit(PARALLEL_DOWNLOADS);
  private readonly downloads: Promise<void>[] = [];
  private readonly stopping = new AbortController();
  private folder = '';
  private filesNamed = 0;
  private reloadMs = 1_000;
  private lastReloadMs = 0;
  private loop: Promise<void> = Promise.resolve();

  /** `windowSeconds`: the window of the media playlists that an origin is asked for. */
  constructor(private readonly options: { windowSeconds?: number } = {}) {}

  /**
   * Loads the playlist and goes on following it. May be called again after it failed.
   * @throws SwarmError unavailable when it can't be fetched, bad-request when it is empty or not HLS
   */
  async start(location: string): Promise<void> {
    const url = toUrl(location);
    this.folder ||= await temporaryFolder('encoder-swarm-verify-');
    await this.reload(url);
    this.loop = this.follow(url);
  }

  /** The channels whose playlists were listed. */
  get channelIds(): string[] {
    return [...new Set(this.renditions.map(({ channelId }) => channelId))];
  }

  /** Reloads once more unless that was just done, waits for the downloads, and hands over what was collected. */
  async stop(): Promise<CollectedPlaylist[]> {
    this.stopping.abort();
    await this.loop;
    await Promise.all(this.downloads);
    return this.renditions.map(({ key: _key, onAir: _onAir, ...collected }) => ({
      ...collected,
      url: shownAs(collected.url),
      segments: collected.segments.sort((a, b) => a.gop - b.gop),
    }));
  }

  /** Removes the segments from the disk. */
  async dispose(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    await Promise.all(this.downloads);
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  private async follow(url: URL): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await sleep(this.reloadMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (monotonicMs() - this.lastReloadMs < this.reloadMs / 2) continue;
      // A player rides over a reload that fails; what it missed for good shows as missing GOPs.
      await this.reload(url).catch(() => undefined);
    }
  }

  private async reload(url: URL): Promise<void> {
    const playlist = await this.load(url);
    if (playlist.kind === 'media') this.collect(url, mediaPlaylistIdentity(url), playlist.segments);
    else {
      const channelId = url.pathname.split('/').at(-2) ?? '';
      const listed = new Set(playlist.renditionUrls);
      for (const followed of this.renditions) followed.onAir &&= listed.has(followed.key);
      const loads = playlist.renditionUrls.map(async (href) => {
        const mediaUrl = new URL(href);
        const media = await this.load(mediaUrl);
        if (media.kind !== 'media') return;
        this.collect(
          mediaUrl,
          { channelId, rendition: mediaPlaylistIdentity(mediaUrl).rendition },
          media.segments,
          playlist.frameRates.get(href),
        );
      });
      const failed = (await Promise.allSettled(loads)).find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }
    this.lastReloadMs = monotonicMs();
  }

  private async load(url: URL): Promise<Playlist> {
    const asked = new URL(url);
    const { windowSeconds } = this.options;
    if (windowSeconds !== undefined && asked.protocol !== 'file:') {
      asked.searchParams.set('window_s', String(windowSeconds));
    }
    const playlist = parsePlaylist(await readPlaylistText(asked), url);
    if (playlist.kind === 'media') {
      this.reloadMs = Math.min(3_000, Math.max(250, playlist.targetDurationSeconds * 500));
    }
    return playlist;
  }

  private collect(
    url: URL,
    identity: { channelId: string; rendition: string },
    listed: readonly ListedSegment[],
    framesPerSecond?: number,
  ): void {
    let followed = this.renditions.findLast((r) => r.key === url.href);
    const resumesAfterHole = (f: FollowedRendition): boolean =>
      !f.onAir && listed[0]!.gop > (f.segments.at(-1)?.gop ?? -1) + 1;
    if (!followed || resumesAfterHole(followed)) {
      followed = {
        ...{ key: url.href, url: url.href, ...identity, segments: [], problems: [], onAir: true },
        joinedLater: this.lastReloadMs > 0,
      };
      this.renditions.push(followed);
    }
    followed.onAir = true;
    if (framesPerSecond !== undefined) followed.framesPerSecond = framesPerSecond;
    const last = followed.segments.at(-1)?.gop ?? -1;
    const known = new Map(followed.segments.map((segment) => [segment.gop, segment]));
    for (const segment of listed) {
      const before = known.get(segment.gop);
      if (before && before.gap !== segment.gap) {
        const word = (gap: boolean): string => (gap ? 'a gap' : 'published');
        const problem = `GOP ${segment.gop} was listed as ${word(before.gap)}, later as ${word(segment.gap)}`;
        if (!followed.problems.includes(problem)) followed.problems.push(problem);
      }
      if (segment.gop <= last) continue;
      const collected: CollectedSegment = { ...segment, path: null };
      followed.segments.push(collected);
      if (!segment.gap) this.downloads.push(this.limit(() => this.download(collected)));
    }
  }

  private async download(segment: CollectedSegment): Promise<void> {
    const path = join(this.folder, `${this.filesNamed++}.ts`);
    for (let attempt = 1; attempt <= DOWNLOAD_ATTEMPTS; attempt++) {
      try {
        await saveToFile(segment.urls, path);
        segment.path = path;
        delete segment.failure;
        return;
      } catch (error) {
        segment.failure = (error as Error).message;
        if (attempt < DOWNLOAD_ATTEMPTS) await sleep(RETRY_AFTER_MS * attempt);
      }
    }
  }
}
