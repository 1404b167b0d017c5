import type { ChannelStatus } from '../contracts/api';
import type { MissingMedia } from '../contracts/source';
import { sentence } from '../domain';
import type { Observation } from './observe';

/** An input takes a moment to be opened; one that takes longer is worth a look. */
const OPENING_GRACE_MS = 3_000;
/** What is only late comes by then. */
const MISSING_GRACE_SECONDS = 5;

/** What is wrong with the inputs of channels, each as one sentence: an input that is away, and what one does not bring. */
export const inputProblems = (seen: Observation, channels: readonly ChannelStatus[]): string[] =>
  channels.flatMap(({ id, source }) => {
    if (!source) return [];
    const known = seen.sources?.find((s) => s.id === id);
    if (source.state === 'running') {
      const missing = (known?.missing ?? []).filter(({ forSeconds }) => forSeconds >= MISSING_GRACE_SECONDS);
      return missing.map((each) => missingInWords(id, each));
    }
    const isNew = seen.atMs - (known?.startedAtMs ?? 0) < OPENING_GRACE_MS;
    return source.state === 'opening' && isNew ? [] : [inputInWords(id, source)];
  });

/** Why a channel's input brings nothing. */
export const inputInWords = (
  channelId: string,
  { state, error }: NonNullable<ChannelStatus['source']>,
): string => {
  const what =
    state === 'opening'
      ? `The input of ${channelId} has not answered yet; it is tried until it does`
      : `The input of ${channelId} has ${state}`;
  return sentence(error === undefined ? what : `${what}: ${error}`);
};

/** What players get in place of what an input does not bring. */
const missingInWords = (
  channelId: string,
  { what, track, forSeconds, hasCome, isStill }: MissingMedia,
): string => {
  const time = `${Math.round(forSeconds)} s`;
  const when = hasCome ? `for ${time}` : `yet, after ${time}`;
  const instead = isStill ? 'its last picture is repeated' : 'nothing of it is on air';
  switch (what) {
    case 'input':
      return (
        `The input of ${channelId} has been silent for ${time}: ${instead}. Check what sends it; it is opened again ` +
        'until it is back.'
      );
    case 'picture':
      return (
        `The input of ${channelId} has brought no picture ${when}: ${instead}. Check what sends it, unless it is meant ` +
        'to stand still.'
      );
    case 'sound':
      return (
        `The input of ${channelId} has brought no sound (${track ?? '?'}) ${when}: players hear nothing of it. Check ` +
        'what sends it; it joins when it comes.'
      );
  }
};
