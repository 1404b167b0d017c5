import { createHash } from 'node:crypto';
import type { GopLedger } from '../../contracts/relay';
import { SwarmError, gopStartTicks } from '../../domain';
import { MalformedTransportStream, inspectSegment, unwrapTicks } from '../mpegts';
import type { RenditionRecord } from './records';
import { readSegmentFormat } from './segment-format';

/** A rendition as the header `x-renditions` announces it. */
export interface DeclaredRendition {
  name: string;
  bytes: number;
}

/** A rendition's part of a body. */
export interface BodyPart {
  name: string;
  segment: Buffer;
  sha256: string;
}

const malformed = (message: string): SwarmError =>
  new SwarmError('malformed-segment', message, 'Put the whole segments as the encoder made them.');

/**
 * Cuts a body into the segments of its renditions.
 * @throws SwarmError malformed-segment when the lengths announced are not those of the body
 */
export const splitBody = (body: Buffer, declared: readonly DeclaredRendition[]): BodyPart[] => {
  const announced = declared.reduce((sum, r) => sum + r.bytes, 0);
  if (announced !== body.length) {
    throw malformed(`x-renditions announces ${announced} bytes, the body has ${body.length}.`);
  }
  let at = 0;
  return declared.map(({ name, bytes }) => {
    const segment = body.subarray(at, (at += bytes));
    return { name, segment, sha256: createHash('sha256').update(segment).digest('hex') };
  });
};

/**
 * Checks that a segment is whole and begins with an IDR picture.
 * @returns its record, and the PTS of its pictures, 33-bit as on the wire
 * @throws SwarmError malformed-segment
 */
export const inspectPart = (part: BodyPart): { record: RenditionRecord; videoPtsTicks: number[] } => {
  try {
    const contents = inspectSegment(part.segment);
    if (!contents.beginsWithIdr) {
      throw new MalformedTransportStream('It does not begin with an IDR picture.');
    }
    const format = readSegmentFormat(part.segment, contents.hasAudio);
    const record = { name: part.name, bytes: part.segment.length, sha256: part.sha256, ...format };
    return { record, videoPtsTicks: contents.videoPtsTicks };
  } catch (error) {
    if (!(error instanceof MalformedTransportStream)) throw error;
    throw malformed(`Segment of rendition ${part.name} can't be published: ${error.message}`);
  }
};

/**
 * Requires that a segment holds exactly the pictures that the relay received for this GOP.
 * @throws SwarmError ledger-mismatch
 */
export const requireLedger = (
  name: string,
  videoPtsTicks: readonly number[],
  ledger: GopLedger,
  gopDurationTicks: number,
): void => {
  const near = gopStartTicks(ledger.gop, gopDurationTicks);
  const found = videoPtsTicks.map((pts) => unwrapTicks(pts, near));
  const at = ledger.ptsTicks.findIndex((expected, i) => expected !== found[i]);
  if (at < 0 && found.length === ledger.ptsTicks.length) return;
  const differsAt = at < 0 ? ledger.ptsTicks.length : at;
  throw new SwarmError(
    'ledger-mismatch',
    `Rendition ${name} of GOP ${ledger.gop} has ${found.length} pictures, the relay received ` +
      `${ledger.ptsTicks.length}; they differ from picture ${differsAt} on.`,
    'Encode the GOP anew from the relay.',
    {
      rendition: name,
      differsAt,
      expectedPtsTicks: ledger.ptsTicks[differsAt] ?? null,
      foundPtsTicks: found[differsAt] ?? null,
    },
  );
};
