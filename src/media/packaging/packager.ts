import { createHash } from 'node:crypto';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SwarmError } from '../../domain';
import type { FragmentJob } from './fragment';
import type { ThreadAnswer, ThreadJob } from './packaging-thread';

/** Program of a thread, and how Node is to run it. */
export interface ThreadProgram {
  path: string;
  execArgv?: string[];
}

/** Beside this file, compiled or not. */
const packagingThread: ThreadProgram = { path: join(__dirname, `packaging-thread${extname(__filename)}`) };

export interface PackagerOptions {
  /** Fragments are kept up to so many bytes; the one asked for the longest ago goes first. */
  keptBytes: number;
  program?: ThreadProgram;
}

/** A fragment as it is kept; nobody may write to it. */
export interface PackagedFragment {
  init: Buffer;
  media: Buffer;
  /** Names the content of `media`. */
  mediaTag: string;
}

interface Asked {
  resolve: (answer: Extract<ThreadAnswer, { fragment: unknown }>) => void;
  reject: (error: Error) => void;
}

/** Fragments that may wait for the thread at one time: each holds a segment in memory. */
const MOST_WAITING = 128;

const tagOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('base64url');

/**
 * Makes fragments when they are asked for, once each, in a thread of its own: publishing and all other answers go on
 * meanwhile. Until somebody asks for the first one there is no thread.
 */
export class Packager {
  private thread: Worker | undefined;
  private readonly asked = new Map<number, Asked>();
  private readonly underWay = new Map<string, Promise<PackagedFragment>>();
  /** The one asked for last stands last. */
  private readonly kept = new Map<string, PackagedFragment>();
  private bytes = 0;
  private nextId = 0;
  private closed = false;
  private readonly cost = { fragments: 0, milliseconds: 0 };

  constructor(private readonly options: PackagerOptions) {}

  /** What was made since the start, and how long the thread took for it. */
  get made(): Readonly<{ fragments: number; milliseconds: number }> {
    return this.cost;
  }

  /** Bytes of the fragments that are kept. */
  get keptBytes(): number {
    return this.bytes;
  }

  /**
   * The fragment of this name, from those kept, or made now.
   * @param name the same for the same job
   * @throws SwarmError not-found where there is no such track; unavailable where too many wait, and at the end
   */
  async fragment(name: string, jobOf: () => Promise<FragmentJob>): Promise<PackagedFragment> {
    const known = this.kept.get(name);
    if (known) {
      this.kept.delete(name);
      this.kept.set(name, known);
      return known;
    }
    const begun = this.underWay.get(name);
    if (begun) return begun;
    if (this.underWay.size >= MOST_WAITING)
      throw new SwarmError('unavailable', 'Too many fragments are being made.', 'Ask again in a moment.');
    const making = this.make(name, jobOf).finally(() => this.underWay.delete(name));
    this.underWay.set(name, making);
    return making;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.thread?.terminate();
    await Promise.allSettled(this.underWay.values());
  }

  private async make(name: string, jobOf: () => Promise<FragmentJob>): Promise<PackagedFragment> {
    const { fragment, tookMs } = await this.run(await jobOf());
    this.cost.fragments += 1;
    this.cost.milliseconds += tookMs;
    const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer =>
      Buffer.from(buffer, byteOffset, byteLength);
    const media = bytesOf(fragment.media);
    const packaged = { init: bytesOf(fragment.init), media, mediaTag: tagOf(media) };
    this.keep(name, packaged);
    return packaged;
  }

  private keep(name: string, fragment: PackagedFragment): void {
    const sizeOf = ({ init, media }: PackagedFragment): number => init.length + media.length;
    this.kept.set(name, fragment);
    this.bytes += sizeOf(fragment);
    for (const [oldest, old] of this.kept) {
      if (this.bytes <= this.options.keptBytes) return;
      this.kept.delete(oldest);
      this.bytes -= sizeOf(old);
    }
  }

  private run(job: FragmentJob): Promise<Extract<ThreadAnswer, { fragment: unknown }>> {
    const thread = this.running();
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      thread.ref();
      const message: ThreadJob = { id, job };
      thread.postMessage(message);
    });
  }

  private running(): Worker {
    if (this.closed) throw new SwarmError('unavailable', 'The origin is stopping.', 'Ask again in a moment.');
    if (this.thread) return this.thread;
    const { path, execArgv } = this.options.program ?? packagingThread;
    const thread = new Worker(path, { ...(execArgv && { execArgv }) });
    this.thread = thread;
    thread.on('message', (answer: ThreadAnswer) => {
      const caller = this.asked.get(answer.id);
      this.asked.delete(answer.id);
      // A thread at rest does not keep the process alive.
      if (this.asked.size === 0) thread.unref();
      if ('fragment' in answer) caller?.resolve(answer);
      else caller?.reject(new SwarmError(answer.error.code, answer.error.message));
    });
    thread.once('error', () => undefined);
    thread.once('exit', () => {
      if (this.thread === thread) this.thread = undefined;
      const ended = new SwarmError(
        'unavailable',
        'The packaging thread has ended.',
        'Ask again in a moment.',
      );
      for (const { reject } of this.asked.values()) reject(ended);
      this.asked.clear();
    });
    return thread;
  }
}
