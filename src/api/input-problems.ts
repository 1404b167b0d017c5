import type { ChannelStatus } from '../contracts/api';
import type { MissingMedia } from '../contracts/source';
import type { StandbyInfo } from '../contracts/source-standby';
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
    const standIn = known?.standby ? standInInWords(id, known.standby, seen.atMs) : [];
    if (source.state === 'running') {
      const missing = (known?.missing ?? []).filter(({ forSeconds }) => forSeconds >= MISSING_GRACE_SECONDS);
      return [...standIn, ...missing.map((each) => missingInWords(id, each))];
    }
    const isNew = seen.atMs - (known?.startedAtMs ?? 0) < OPENING_GRACE_MS;
    return source.state === 'opening' && isNew ? [] : [inputInWords(id, source), ...standIn];
  });

/** Which input is on air in place of the first, and which of the others could not be. */
const standInInWords = (id: string, standby: StandbyInfo, nowMs: number): string[] => {
  const { onAir, sinceMs, cause, requested, inputs } = standby;
  const [primary] = inputs;
  const away = inputs.filter(({ name, isSound }) => !isSound && name !== primary?.name);
  const spares = away.map(({ name, why }) =>
    sentence(`${name} of ${id} could not stand in if it had to: ${why ?? 'it is away'}`),
  );
  if (onAir === null || onAir === primary?.name) return spares;
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
  const since = `${id} has been on ${onAir} for ${seconds} s`;
  const why =
    requested?.input === onAir
      ? `${requested.requestedBy} asked for it. encoder-swarm channel switch ${id} auto lets the rules choose again`
      : primary?.isSound
        ? `primary is sound again (${cause ?? ''})`
        : `primary is away. ${primary?.why ?? cause ?? ''}`;
  return [sentence(`${since}: ${why}`), ...spares.filter((text) => !text.startsWith(`${onAir} of`))];
};

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
