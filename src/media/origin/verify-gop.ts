import { createHash } from 'node:crypto';
import type { GopLedger } from '../../contracts/relay';
import { SwarmError, gopStartTicks, picturesKept } from '../../domain';
import { MalformedTransportStream, inspectSegment, unwrapTicks } from '../mpegts';
import { soundTracksOf, type FoundSound } from '../packaging';
import type { RenditionRecord } from './records';
import { readSegmentFormat } from './segment-format';

/** A rendition as the header `x-renditions` announces it. */
export interface DeclaredRendition {
  name: string;
  bytes: number;
  /** 2 or 3: it holds every second or third picture; absent: all. */
  frameRateDivisor?: number | undefined;
}

/** A rendition's part of a body. */
export interface BodyPart {
  name: string;
  segment: Buffer;
  sha256: string;
  frameRateDivisor?: number | undefined;
}

const malformed = (message: string): SwarmError =>
  new SwarmError('malformed-segment', message, 'Put the whole segments as the encoder made them.');

const bytesOf = (renditions: readonly { bytes: number }[]): number =>
  renditions.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Cuts a body into the segments of its renditions.
 * @throws SwarmError malformed-segment when the lengths announced are not those of the body
 */
export const splitBody = (body: Buffer, declared: readonly DeclaredRendition[]): BodyPart[] => {
  const announced = bytesOf(declared);
  if (announced !== body.length) {
    throw malformed(`x-renditions announces ${announced} bytes, the body has ${body.length}.`);
  }
  let at = 0;
  return declared.map(({ name, bytes, frameRateDivisor }) => {
    const segment = body.subarray(at, (at += bytes));
    const sha256 = createHash('sha256').update(segment).digest('hex');
    return { name, segment, sha256, ...(frameRateDivisor !== undefined && { frameRateDivisor }) };
  });
};

/**
 * Checks that a segment is whole and begins with an IDR picture.
 * @returns its record, the PTS of its pictures, 33-bit as on the wire, and its sound
 * @throws SwarmError malformed-segment
 */
export const inspectPart = (
  part: BodyPart,
): { record: RenditionRecord; videoPtsTicks: number[]; sound: FoundSound[] } => {
  try {
    const contents = inspectSegment(part.segment);
    if (!contents.beginsWithIdr) {
      throw new MalformedTransportStream('It does not begin with an IDR picture.');
    }
    const format = readSegmentFormat(part.segment, contents.hasAudio);
    const { name, segment, sha256, frameRateDivisor } = part;
    const divided = frameRateDivisor !== undefined && { frameRateDivisor };
    const { videoPtsTicks, videoBytes } = contents;
    const record = { name, bytes: segment.length, sha256, ...format, ...divided, videoBytes };
    return { record, videoPtsTicks, sound: soundTracksOf(contents.sound) };
  } catch (error) {
    if (!(error instanceof MalformedTransportStream)) throw error;
    throw malformed(`Segment of rendition ${part.name} can't be published: ${error.message}`);
  }
};

/**
 * Requires that a segment holds exactly the pictures that the relay received for this GOP, or of those the ones that a
 * rendition of a half or a third of the rate keeps (see picturesKept).
 * @throws SwarmError ledger-mismatch
 */
export const requireLedger = (
  { name, frameRateDivisor = 1 }: Pick<RenditionRecord, 'name' | 'frameRateDivisor'>,
  videoPtsTicks: readonly number[],
  ledger: Pick<GopLedger, 'gop' | 'ptsTicks'>,
  gopDurationTicks: number,
): void => {
  const near = gopStartTicks(ledger.gop, gopDurationTicks);
  const found = videoPtsTicks.map((pts) => unwrapTicks(pts, near));
  const expected = picturesKept(ledger.ptsTicks, frameRateDivisor);
  const at = expected.findIndex((pts, i) => pts !== found[i]);
  if (at < 0 && found.length === expected.length) return;
  const differsAt = at < 0 ? expected.length : at;
  const kept = frameRateDivisor === 1 ? '' : `, of which it keeps ${expected.length}`;
  throw new SwarmError(
    'ledger-mismatch',
    `Rendition ${name} of GOP ${ledger.gop} has ${found.length} pictures, the relay received ` +
      `${ledger.ptsTicks.length}${kept}; they differ from picture ${differsAt} on.`,
    'Encode the GOP anew from the relay.',
    {
      rendition: name,
      differsAt,
      expectedPtsTicks: expected[differsAt] ?? null,
      foundPtsTicks: found[differsAt] ?? null,
    },
  );
};

/** Whether the parts of a body are what was published. */
export const isSameBody = (
  published: readonly Pick<RenditionRecord, 'name' | 'sha256'>[],
  parts: readonly Pick<BodyPart, 'name' | 'sha256'>[],
): boolean =>
  published.length === parts.length &&
  published.every((r, i) => r.name === parts[i]!.name && r.sha256 === parts[i]!.sha256);

/** The same for a body that has not been cut. */
export const isBodyOf = (
  published: readonly Pick<RenditionRecord, 'name' | 'bytes' | 'sha256'>[],
  body: Buffer,
): boolean => bytesOf(published) === body.length && isSameBody(published, splitBody(body, published));
