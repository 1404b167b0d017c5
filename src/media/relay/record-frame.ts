import { crc32 } from 'node:zlib';

/**
 * One record of a journal: magic, length and CRC-32 in front of a JSON header and a body of bytes. A record that
 * a crash, a power cut or a full disk left in part has a wrong length or checksum, so it is never taken for one.
 */
export interface JournalRecord {
  header: unknown;
  body: Buffer;
}

const MAGIC = Buffer.from('ESR1', 'latin1');
/** Magic, bytes of the header, bytes of the body, CRC-32 of the three lengths' bytes, header and body. */
const PREFIX_BYTES = 16;

const checksumOf = (lengths: Buffer, content: Buffer): number => crc32(content, crc32(lengths));

/** The bytes of a record. */
export const frameRecord = (header: unknown, body: readonly Buffer[]): Buffer => {
  const text = Buffer.from(JSON.stringify(header));
  const bodyBytes = body.reduce((sum, part) => sum + part.length, 0);
  const frame = Buffer.concat([Buffer.alloc(PREFIX_BYTES), text, ...body]);
  MAGIC.copy(frame);
  frame.writeUInt32BE(text.length, 4);
  frame.writeUInt32BE(bodyBytes, 8);
  frame.writeUInt32BE(checksumOf(frame.subarray(4, 12), frame.subarray(PREFIX_BYTES)), 12);
  return frame;
};

/** Reads the record at a position; undefined where none stands whole. */
const readRecord = (file: Buffer, at: number): { record: JournalRecord; end: number } | undefined => {
  if (at + PREFIX_BYTES > file.length || !file.subarray(at, at + 4).equals(MAGIC)) return undefined;
  const bodyFrom = at + PREFIX_BYTES + file.readUInt32BE(at + 4);
  const end = bodyFrom + file.readUInt32BE(at + 8);
  if (end > file.length) return undefined;
  const content = file.subarray(at + PREFIX_BYTES, end);
  if (checksumOf(file.subarray(at + 4, at + 12), content) !== file.readUInt32BE(at + 12)) return undefined;
  try {
    const header: unknown = JSON.parse(file.toString('utf8', at + PREFIX_BYTES, bodyFrom));
    return { record: { header, body: file.subarray(bodyFrom, end) }, end };
  } catch {
    return undefined;
  }
};

/** The whole records at the head of a file, and how many bytes they take; what follows is not one. */
export const readRecords = (file: Buffer): { records: JournalRecord[]; soundBytes: number } => {
  const records: JournalRecord[] = [];
  let at = 0;
  for (let found = readRecord(file, at); found; found = readRecord(file, at)) {
    records.push(found.record);
    at = found.end;
  }
  return { records, soundBytes: at };
};
