import { parseTables, writeTables } from '../mpegts';

const VERSIONS = 32;

/**
 * Tables of a programme whose tracks come from several outputs: those of the first, with the streams of the others
 * added. Each combination has a version of its own, so that a reader notices when a track joins.
 * @param others tables of those outputs that have brought any; null for the rest
 */
export const mergeTables = (first: Buffer, others: readonly (Buffer | null)[]): Buffer => {
  if (others.every((packets) => packets === null)) return first;
  const tables = parseTables(first);
  const added = others.flatMap((packets) => (packets ? parseTables(packets).streams : []));
  const combination = others.reduce((sum, packets, i) => sum + (packets ? 1 << i : 0), 0);
  return writeTables({
    ...tables,
    version: (tables.version + combination) % VERSIONS,
    streams: [...tables.streams, ...added],
  });
};
