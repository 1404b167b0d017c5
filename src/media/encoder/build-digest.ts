import { realpath, stat } from 'node:fs/promises';
import { sha256OfFile } from '../../platform/file-digest';
import type { Logger } from '../../platform/logger';
import { findExecutable } from '../../setup';

/** A description does without the digest rather than wait longer for it. */
const WAIT_MS = 250;
/** A host that starts waits longer: without its digest no channel may be handed to it, but one may be recovered on it. */
const WAIT_AT_START_MS = 2_000;

/**
 * Finds out which build this host's sessions run: the SHA-256 of its ffmpeg. Hashed in the background when the host
 * starts, and again when the file behind the path was replaced, since the next session runs the new one.
 */
export class BuildDigest {
  private hashed: { identity: string; digest: Promise<string> } | null = null;

  /** @param ffmpeg a path, or a name that is looked up on PATH as a shell would */
  constructor(
    private readonly ffmpeg: string,
    private readonly log: Logger,
  ) {
    void this.current();
  }

  /** Hex SHA-256; undefined while it is not known, or when the file can't be read. */
  async current(waitMs = WAIT_MS): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, waitMs, undefined);
    });
    try {
      return await Promise.race([this.read(), late]);
    } catch (error) {
      this.log.warn({ err: error, ffmpeg: this.ffmpeg }, 'the ffmpeg executable can not be hashed');
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the digest is known, or when a host should start without it. */
  async knownAtStart(): Promise<void> {
    await this.current(WAIT_AT_START_MS);
  }

  /** Hex SHA-256, however long it takes. @throws Error when the file can't be read */
  async read(): Promise<string> {
    const path = await realpath((await findExecutable(this.ffmpeg, process.env)) ?? this.ffmpeg);
    const { dev, ino, size, mtimeMs } = await stat(path);
    const identity = [path, dev, ino, size, mtimeMs].join(' ');
    if (this.hashed?.identity !== identity) {
      const digest = sha256OfFile(path);
      digest.catch(() => {
        this.hashed = null;
      });
      this.hashed = { identity, digest };
    }
    return this.hashed.digest;
  }
}
