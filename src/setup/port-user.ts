import { readFile, readdir, readlink } from 'node:fs/promises';

export interface PortUser {
  pid: number;
  command: string;
}

/** State "listening" in /proc/net/tcp, see proc(5). */
const LISTENING = '0A';

const socketInodes = async (port: number): Promise<Set<string>> => {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const inodes = new Set<string>();
  for (const line of tables.join('\n').split('\n')) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === LISTENING && inode && local?.endsWith(`:${wanted}`)) inodes.add(inode);
  }
  return inodes;
};

/** The process that listens on a TCP port, where the kernel tells us (Linux, and only processes we may see). */
export const portUser = async (port: number): Promise<PortUser | null> => {
  const inodes = await socketInodes(port);
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (!inode || !inodes.has(inode)) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), command: command.replaceAll('\0', ' ').trim() };
    }
  }
  return null;
};
