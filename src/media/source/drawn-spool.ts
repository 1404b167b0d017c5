import type { Readable } from 'node:stream';
import { TransportStreamReader } from '../mpegts';
import { ContributionSpool } from './contribution-spool';

/** Keeps what a drawn picture's ffmpeg writes, as it comes. @param onHeard called with each piece */
export const spoolOf = (
  output: Readable,
  { maxBytes, onHeard }: { maxBytes: () => number; onHeard: () => void },
): ContributionSpool => {
  const spool = new ContributionSpool(maxBytes);
  let tables: Buffer = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onUnit: (unit) => spool.push(unit, tables),
    onTables: (packets) => {
      if (!packets.equals(tables)) tables = packets;
    },
  });
  output.on('data', (chunk: Buffer) => {
    onHeard();
    reader.push(chunk);
  });
  output.on('end', () => {
    reader.flush();
    spool.end();
  });
  return spool;
};
