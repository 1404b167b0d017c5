import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The next start reads no logs, and writes the configuration of InfluxDB again. */
const LEFT_OUT = ['logs', 'influx/influxdb.conf'];

/**
 * Packs the state folder of a stopped swarm.
 * @returns size of the archive in bytes
 */
export const packState = async (stateDir: string, archive: string): Promise<number> => {
  // Free pages of the database are old rows: noise that hardly compresses.
  await run('sqlite3', [join(stateDir, 'temporal.db'), 'PRAGMA wal_checkpoint(TRUNCATE); VACUUM;']);
  await run(
    'tar',
    [
      ...['--create', '--gzip', '--file', archive, '--directory', stateDir],
      ...['--sort=name', '--owner=0', '--group=0', '--numeric-owner'],
      ...LEFT_OUT.map((path) => `--exclude=./${path}`),
      '.',
    ],
    { env: { ...process.env, GZIP: '-9' } },
  );
  return (await stat(archive)).size;
};
