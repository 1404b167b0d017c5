import { createReadStream, createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SwarmError } from '../domain';
import { linkFetch } from '../platform/links/client';

const TEXT_DEADLINE_MS = 5_000;
const SEGMENT_DEADLINE_MS = 20_000;

const MAX_PLAYLIST_BYTES = 4 * 1024 * 1024;
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

/** A URL as it is; anything else is a path of this machine. @throws SwarmError bad-request */
export const toUrl = (location: string): URL => {
  if (!/^(https?|file):/.test(location)) return pathToFileURL(resolve(location));
  if (URL.canParse(location)) return new URL(location);
  throw new SwarmError('bad-request', `${location} is not a URL.`, 'Give a URL or a path of an .m3u8.');
};

/** How to show a URL to a person: files as paths. */
export const shownAs = (url: string): string => (url.startsWith('file:') ? fileURLToPath(url) : url);

/** The bytes of a file or of an HTTP answer. @throws Error when it can't be had, or is longer than the limit */
async function* bytesOf(url: URL, maxBytes: number, deadlineMs: number): AsyncGenerator<Uint8Array> {
  let source: AsyncIterable<Uint8Array>;
  if (url.protocol === 'file:') source = createReadStream(url) as AsyncIterable<Buffer>;
  else {
    const response = await linkFetch(url, { signal: AbortSignal.timeout(deadlineMs) }, 'anyone');
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    source = response.body;
  }
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
    yield chunk;
  }
}

/** @throws SwarmError unavailable */
export const readPlaylistText = async (url: URL): Promise<string> => {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytesOf(url, MAX_PLAYLIST_BYTES, TEXT_DEADLINE_MS)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `The playlist ${shownAs(url.href)} can't be fetched: ${causeOf(error)}.`,
      'Check the address, that the origin runs and that the channel is on air.',
    );
  }
};

/**
 * Saves what URLs hold to a file, one after the other, without holding it in memory.
 * @throws Error whose message is the cause
 */
export const saveToFile = async (urls: readonly string[], path: string): Promise<void> => {
  async function* all(): AsyncGenerator<Uint8Array> {
    for (const url of urls) yield* bytesOf(new URL(url), MAX_SEGMENT_BYTES, SEGMENT_DEADLINE_MS);
  }
  try {
    await pipeline(all(), createWriteStream(path));
  } catch (error) {
    throw new Error(causeOf(error), { cause: error });
  }
};

const causeOf = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: Error };
  return cause?.message ?? message;
};
