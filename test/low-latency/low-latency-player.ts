import { setTimeout as sleep } from 'node:timers/promises';
import * as HlsParser from 'hls-parser';
import { Parser } from 'm3u8-parser';

/** A partial segment as the player took it. */
export interface TakenPart {
  uri: string;
  bytes: Buffer;
  durationSeconds: number;
  /** When it was there, by the wall clock. */
  atMs: number;
}

export interface ReadPlaylist {
  text: string;
  mediaSequence: number;
  segments: { uri: string; parts: { uri: string; durationSeconds: number }[]; discontinuity: boolean }[];
  /** Partial segments of the segment that has not ended. */
  open: { uri: string; durationSeconds: number }[];
  hint: string | undefined;
  partTargetSeconds: number;
}

const attribute = (line: string, name: string): string | undefined =>
  new RegExp(`[:,]${name}="?([^",]*)`).exec(line)?.[1];

/** Reads a playlist by hand, after two parsers have found no fault in it. */
export const readPlaylist = (text: string): ReadPlaylist => {
  const parsed = HlsParser.parse(text);
  if (parsed.isMasterPlaylist) throw new Error('no media playlist');
  const parser = new Parser();
  const warnings: unknown[] = [];
  parser.on('warn', (warning: unknown) => warnings.push(warning));
  parser.push(text);
  parser.end();
  if (warnings.length > 0) throw new Error(`m3u8-parser warns: ${JSON.stringify(warnings)}\n${text}`);
  const read: ReadPlaylist = {
    ...{ text, mediaSequence: parsed.mediaSequenceBase ?? 0, segments: [], open: [], hint: undefined },
    partTargetSeconds: parsed.partTargetDuration ?? 0,
  };
  let discontinuity = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('#EXT-X-PART:'))
      read.open.push({ uri: attribute(line, 'URI')!, durationSeconds: Number(attribute(line, 'DURATION')) });
    else if (line.startsWith('#EXT-X-DISCONTINUITY') && !line.includes('SEQUENCE')) discontinuity = true;
    else if (line.startsWith('#EXT-X-PRELOAD-HINT')) read.hint = attribute(line, 'URI');
    else if (line !== '' && !line.startsWith('#')) {
      read.segments.push({ uri: line, parts: read.open, discontinuity });
      read.open = [];
      discontinuity = false;
    }
  }
  return read;
};

/** Plays at the live edge: reloads as soon as there is more, and takes each partial segment that it has not. */
export class LowLatencyPlayer {
  readonly parts: TakenPart[] = [];
  readonly playlists: ReadPlaylist[] = [];
  private over = false;
  private running: Promise<void> | undefined;
  failure: unknown;

  constructor(readonly url: string) {}

  start(): void {
    this.running = this.play().catch((error: unknown) => {
      this.failure = error;
    });
  }

  async stop(): Promise<void> {
    this.over = true;
    await this.running;
  }

  private async play(): Promise<void> {
    let query = '';
    while (!this.over) {
      const answer = await fetch(`${this.url}${query}`);
      const text = await answer.text();
      if (answer.status === 503 || answer.status === 404) {
        await sleep(100);
        continue;
      }
      if (answer.status !== 200) throw new Error(`${answer.status}: ${text}`);
      const playlist = readPlaylist(text);
      this.playlists.push(playlist);
      const listed = [...playlist.segments.flatMap(({ parts }) => parts), ...playlist.open];
      for (const { uri, durationSeconds } of listed) {
        if (this.parts.some((part) => part.uri === uri)) continue;
        const part = await fetch(new URL(uri, this.url));
        if (part.status !== 200) throw new Error(`${uri} answered ${part.status}`);
        const bytes = Buffer.from(await part.arrayBuffer());
        this.parts.push({ uri, bytes, durationSeconds, atMs: Date.now() });
      }
      const next = playlist.mediaSequence + playlist.segments.length;
      query = `?_HLS_msn=${next}&_HLS_part=${playlist.open.length}`;
    }
  }
}
