import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectoryDurably, syncDirectory } from './durable-file';

/** Of several origins and relays on one machine: below it, each has a folder as its own disk, and in that the one of its part. */
export const REPLICAS_FOLDER = 'replicas';

/** Logs, databases and addresses of inputs are nobody else's; an account for ffmpeg must get at the files that it is given. */
const wantedMode = (): number => (process.env.SWARM_FFMPEG_USER ? 0o711 : 0o700);

/** Makes the folder of all state, for its owner alone. One that is there stays as it is. @throws Error of the file system */
export const makeStateFolder = async (stateDir: string): Promise<void> => {
  await makeDirectoryDurably(dirname(stateDir));
  try {
    await mkdir(stateDir, { mode: wantedMode() });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // It throws for a file in its place, and for a link that leads nowhere.
    await mkdir(stateDir, { recursive: true });
    return;
  }
  // The umask may have left its owner too little.
  await chmod(stateDir, wantedMode());
  await syncDirectory(dirname(stateDir));
};

/** What to tell of a state folder that other accounts of the machine may look into; null where they may not. */
export const openStateFolder = async (stateDir: string): Promise<string | null> => {
  const { mode } = await stat(stateDir);
  const wanted = wantedMode();
  if ((mode & 0o077 & ~wanted) === 0) return null;
  const octal = (value: number): string => (value & 0o7777).toString(8);
  return (
    `Other accounts of this machine may look into the state folder ${stateDir} (mode ${octal(mode)}). ` +
    `To keep them out: chmod ${octal(wanted)} ${stateDir}`
  );
};
