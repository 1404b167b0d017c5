import { existsSync } from 'node:fs';
import type * as Promises from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

type FileSystem = typeof Promises;
type Fault = (what: string, path: string) => NodeJS.ErrnoException | undefined;

/**
 * Watches what a program asks of its disk, to say what a power cut at this moment could take: bytes of files that were
 * not forced since they were written, and names that were not forced in their folder since they were given. (POSIX
 * promises neither before an fsync of the file, or of the folder.)
 */
class DiskTrace {
  /** What was asked for, in order, such as `write a.new`, `sync a.new`, `rename a.new a`, `sync-folder gops`. */
  readonly steps: string[] = [];
  /** A file that was made visible under its name before its bytes were forced: after a power cut it may be empty. */
  readonly renamedTooEarly: string[] = [];
  /** Makes calls fail. */
  fault: Fault = () => undefined;
  /** A write takes no more bytes than this, as that of a disk that becomes full may. */
  mostBytesAWrite = Infinity;
  private readonly unforcedBytes = new Set<string>();
  private readonly unforcedNames = new Set<string>();
  private readonly unforcedRemovals = new Set<string>();

  reset(): void {
    this.steps.length = this.renamedTooEarly.length = 0;
    this.unforcedBytes.clear();
    this.unforcedNames.clear();
    this.unforcedRemovals.clear();
    this.fault = () => undefined;
    this.mostBytesAWrite = Infinity;
  }

  /** What a power cut could take now; empty: nothing. */
  get atRisk(): string[] {
    return [
      ...[...this.unforcedBytes].map((path) => `bytes of ${basename(path)}`),
      ...[...this.unforcedNames].map((path) => `name of ${basename(path)}`),
    ];
  }

  /** Names that were taken away and that a power cut could bring back. Few of them need to be forced. */
  get mayComeBack(): string[] {
    return [...this.unforcedRemovals].map((path) => basename(path));
  }

  note(what: string, path: string, to?: string): void {
    this.steps.push([what, basename(path), ...(to === undefined ? [] : [basename(to)])].join(' '));
    const error = this.fault(what, path);
    if (error) throw error;
  }

  named(path: string): void {
    this.unforcedNames.add(path);
  }

  written(path: string): void {
    this.unforcedBytes.add(path);
  }

  forced(path: string): void {
    this.unforcedBytes.delete(path);
  }

  folderForced(path: string): void {
    for (const names of [this.unforcedNames, this.unforcedRemovals]) {
      for (const name of names) if (dirname(name) === path) names.delete(name);
    }
  }

  renamed(from: string, to: string): void {
    this.linked(from, to);
    this.unforcedBytes.delete(from);
    this.unforcedNames.delete(from);
  }

  linked(from: string, to: string): void {
    if (this.unforcedBytes.has(from)) {
      this.renamedTooEarly.push(basename(to));
      this.unforcedBytes.add(to);
    }
    this.unforcedNames.add(to);
  }

  removed(path: string): void {
    if (!this.unforcedNames.has(path)) this.unforcedRemovals.add(path);
    for (const known of [this.unforcedBytes, this.unforcedNames]) {
      for (const one of known) if (one === path || one.startsWith(`${path}/`)) known.delete(one);
    }
  }
}

export const disk = new DiskTrace();

/** An error as the file system throws it. */
export const diskError = (code: string, syscall = 'write'): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: made by a test, ${syscall}`), { code, syscall });

const WRITES = new Set(['write', 'writeFile', 'appendFile', 'truncate']);

const watchedHandle = (handle: Promises.FileHandle, path: string, isFolder: boolean): Promises.FileHandle =>
  new Proxy(handle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const what = String(name);
        const isSync = what === 'sync' || what === 'datasync';
        if (WRITES.has(what)) disk.note(what === 'truncate' ? what : 'write', path);
        if (isSync) disk.note(isFolder ? 'sync-folder' : 'sync', path);
        if (what !== 'truncate' && WRITES.has(what)) disk.written(path);
        if (what === 'write' && typeof args[2] === 'number')
          args[2] = Math.min(args[2], disk.mostBytesAWrite);
        const result: unknown = await (value as (...a: unknown[]) => unknown).apply(target, args);
        // Closed in any case: a test that makes it fail must not leave it open.
        if (what === 'close') disk.note(isFolder ? 'close-folder' : 'close', path);
        if (isSync && isFolder) disk.folderForced(path);
        else if (isSync) disk.forced(path);
        // What is taken back was promised to nobody: it need not be forced.
        else if (what === 'truncate') disk.forced(path);
        return result;
      };
    },
  });

/** `node:fs/promises` as it is, but watched by `disk`: what `jest.mock` puts in its place. */
export const watchedFileSystem = (): FileSystem => {
  const real = jest.requireActual<FileSystem>('node:fs/promises');
  return {
    ...real,
    open: async (path, flags, mode) => {
      const at = resolve(String(path));
      const existed = existsSync(at);
      const handle = await real.open(path, flags, mode);
      const isFolder = (await handle.stat()).isDirectory();
      if (!existed) {
        disk.note('create', at);
        disk.named(at);
      }
      return watchedHandle(handle, at, isFolder);
    },
    rename: async (from, to) => {
      disk.note('rename', resolve(String(from)), resolve(String(to)));
      await real.rename(from, to);
      disk.renamed(resolve(String(from)), resolve(String(to)));
    },
    mkdir: (async (path: string, options?: { recursive: boolean }) => {
      const missing: string[] = [];
      for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
      const made = await real.mkdir(path, options);
      for (const at of missing.reverse()) {
        disk.note('mkdir', at);
        disk.named(at);
      }
      return made;
    }) as FileSystem['mkdir'],
    writeFile: async (path, data, options) => {
      const at = resolve(path as string);
      disk.note('write', at);
      if (!existsSync(at)) disk.named(at);
      await real.writeFile(path, data, options);
      disk.written(at);
    },
    copyFile: async (from, to, mode) => {
      const at = resolve(to as string);
      disk.note('copy', resolve(from as string), at);
      if (!existsSync(at)) disk.named(at);
      await real.copyFile(from, to, mode);
      disk.written(at);
    },
    link: async (from, to) => {
      disk.note('link', resolve(String(from)), resolve(String(to)));
      await real.link(from, to);
      disk.linked(resolve(String(from)), resolve(String(to)));
    },
    unlink: async (path) => {
      disk.note('unlink', resolve(String(path)));
      await real.unlink(path);
      disk.removed(resolve(String(path)));
    },
    rm: async (path, options) => {
      const existed = existsSync(resolve(String(path)));
      disk.note('rm', resolve(String(path)));
      await real.rm(path, options);
      if (existed) disk.removed(resolve(String(path)));
    },
  };
};
