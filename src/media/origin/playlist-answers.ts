import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Response } from 'express';

/** Below this a playlist hardly gets smaller by compression. */
const LEAST_COMPRESSED_CHARACTERS = 500;
/** Of all texts that are kept ready together. */
const MOST_CHARACTERS = 4 * 2 ** 20;

const compress = promisify(gzip);

interface Ready {
  etag: string;
  packed: Promise<Buffer> | null;
}

/**
 * Playlists as they are sent. A text is hashed and compressed for the first player that asks for it, and not again for the
 * thousands that ask for the same one until the next GOP: that work would stand before the GOPs that are being published.
 */
export class PlaylistAnswers {
  private readonly ready = new Map<string, Ready>();
  private characters = 0;
  /** What was done for all players together. */
  readonly work = { hashed: 0, packed: 0 };

  /** Sends a text, packed for those who can read that; unchanged: 304. The tag is weak, as one text may come in both ways. */
  async send(res: Response, text: string): Promise<void> {
    const answer = this.ready.get(text) ?? this.make(text);
    res.set('etag', answer.etag).vary('Accept-Encoding');
    // Of an answer without a body the length is told, and that is the text's.
    const isPacked =
      res.req.method === 'GET' &&
      text.length >= LEAST_COMPRESSED_CHARACTERS &&
      res.req.acceptsEncodings(['gzip', 'identity']) === 'gzip' &&
      !res.req.fresh;
    if (!isPacked) {
      res.send(text);
      return;
    }
    answer.packed ??= this.pack(text);
    const packed = await answer.packed;
    res.set('content-encoding', 'gzip').send(packed);
  }

  private pack(text: string): Promise<Buffer> {
    this.work.packed += 1;
    return compress(text);
  }

  private make(text: string): Ready {
    this.work.hashed += 1;
    const answer: Ready = {
      etag: `W/"${createHash('sha1').update(text).digest('base64url')}"`,
      packed: null,
    };
    this.ready.set(text, answer);
    this.characters += text.length;
    // What was made first is out of date first.
    for (const known of this.ready.keys()) {
      if (this.characters <= MOST_CHARACTERS) break;
      this.ready.delete(known);
      this.characters -= known.length;
    }
    return answer;
  }
}
