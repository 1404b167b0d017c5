import { statfs } from 'node:fs/promises';
import type { PartEvent } from '../platform/processes/part-process';
import type { StatFileSystem } from '../setup';

const LOOK_EVERY_MS = 1_000;
/** Below this some part is refused now and then; there is room again from the other on, so that nothing flutters. */
const FULL_BELOW_BYTES = 4 * 2 ** 20;
const ROOM_FROM_BYTES = 16 * 2 ** 20;

/** Looks at the disk that holds the state, and says once when it is full and once when there is room again. */
export class DiskWatch {
  private isFull = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly options: {
      folder: string;
      onEvent: (event: PartEvent) => void;
      onRoomAgain: () => void;
      readFileSystem?: StatFileSystem;
    },
  ) {}

  start(): void {
    this.timer ??= setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }

  /** @throws Error of the file system; nothing is known then */
  async look(): Promise<void> {
    const { folder, onEvent, onRoomAgain, readFileSystem = statfs } = this.options;
    const { bavail, bsize } = await readFileSystem(folder);
    const freeBytes = bavail * bsize;
    if (!this.isFull && freeBytes < FULL_BELOW_BYTES) {
      this.isFull = true;
      const text = `the disk that holds ${folder} is full: what is stored is served, new GOPs wait; make room there`;
      onEvent({ part: 'disk', kind: 'crashed', text });
    } else if (this.isFull && freeBytes >= ROOM_FROM_BYTES) {
      this.isFull = false;
      onEvent({
        part: 'disk',
        kind: 'recovered',
        text: `there is room again on the disk that holds ${folder}`,
      });
      onRoomAgain();
    }
  }
}
