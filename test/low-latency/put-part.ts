import { FRAME_TICKS, PART_FRAMES, partOf } from '../origin/support/gop-parts';
import { ownerNamed, type Answer } from '../origin/support/origin-client';
import type { RunningOrigin } from '../origin/support/running-origin';
import type { EncodedGop } from '../origin/support/segments';

/** A part of a GOP, as an owner puts it; by default of GOP 1, by A, who owns the channel. */
export interface PutPart {
  gop?: number;
  token?: number;
  name?: string;
  run?: string;
  untilTicks?: number;
  bytes?: Buffer;
}

interface To {
  origin: RunningOrigin;
  id: string;
  gops: readonly EncodedGop[];
}

export const putPartOf = async (
  { origin, id, gops }: To,
  index: number,
  options: PutPart = {},
): Promise<Answer> => {
  const { gop = 1, token = 1, name = 'a', run = 'run-1' } = options;
  const { untilTicks = gop * 180_000 + (index + 1) * PART_FRAMES * FRAME_TICKS } = options;
  const { bytes = partOf(gops[gop]!, index) } = options;
  const { encoderId, sessionId } = ownerNamed(name);
  const answer = await fetch(`${origin.client.url}/channels/${id}/gops/${gop}/partials/${index}`, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: {
      'x-fencing-token': String(token),
      ...{ 'x-renditions': `r=${bytes.length}`, 'x-encoder-id': encoderId, 'x-session-id': sessionId },
      ...{ 'x-encode-run': run, 'x-until-ticks': String(untilTicks) },
    },
  });
  return { status: answer.status, body: (await answer.json()) as never };
};
