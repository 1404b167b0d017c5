import { SwarmError } from '../domain';
import { hardLimit } from './process-limits';
import { memoryOfMachine } from './shared-budget';

/** Where the system does not say: what most systems allow at least. */
const USUAL_OPEN_FILES = 4_096;
/** For what a process has open beside its channels: logs, locks, modules, and those who only ask. */
const RESERVED_SHARE = 0.2;
/** A part has two listeners at most, and reads a file for many a connection. The rest is for what it writes. */
const SHARE_OF_LISTENER = 1 / 4;
/** A connection with its buffers, as the kernel and Node keep them. */
const BYTES_PER_CONNECTION = 64 * 2 ** 10;
/** What all connections of a listener may take of the memory. */
const CONNECTIONS_SHARE_OF_MEMORY = 1 / 8;

/** Files and connections that this process may have open: Node.js allows itself all that it may when it starts. */
export const openFilesOfProcess = (file?: string): number => {
  const most = hardLimit('open files', file);
  return most === Infinity ? USUAL_OPEN_FILES : most;
};

/**
 * Connections that a listener has room for: what the system lets it open, and what the memory is enough for. A flood of
 * them must leave the part the files that it writes.
 */
export const connectionsWithin = (openFiles: number, memoryBytes: number): number =>
  Math.floor(
    Math.min(
      SHARE_OF_LISTENER * openFiles,
      (CONNECTIONS_SHARE_OF_MEMORY * memoryBytes) / BYTES_PER_CONNECTION,
    ),
  );

export const connectionsOfMachine = (): number => connectionsWithin(openFilesOfProcess(), memoryOfMachine());

export interface OpenFilesOptions {
  /** Whose they are, such as "the relay", for refusals. */
  part: string;
  /** Of the whole process; absent: what the system allows it. */
  total?: number | undefined;
  /** What one channel has open at the most. */
  perChannel: number;
}

/** How many channels the open files of a part are enough for. */
export class OpenFiles {
  private readonly total: number;

  constructor(private readonly options: OpenFilesOptions) {
    this.total = options.total ?? openFilesOfProcess();
  }

  /** @param channels that the part has already @throws SwarmError at-capacity-limit if there is none for one more */
  admit(channels: number): void {
    const { part, perChannel } = this.options;
    const usable = (1 - RESERVED_SHARE) * this.total;
    if ((channels + 1) * perChannel <= usable) return;
    throw new SwarmError(
      'at-capacity-limit',
      `The process of ${part} may have ${this.total} files and connections open, and a channel needs up to ${perChannel}: ${channels} channels are all that it can bring.`,
      'Raise the limit of open files (ulimit -n; LimitNOFILE= in systemd; ulimits: in Docker), or SWARM_OPEN_FILES where it is set.',
    );
  }
}
