import type { AddChannel } from '../contracts/api';
import type { InputFacts, SourceClient } from '../contracts/source';
import {
  GENERATED_HEIGHT_PX,
  GENERATED_WIDTH_PX,
  SwarmError,
  alwaysOnLadder,
  channelWithDefaults,
  defaultGopTicks,
  fractionOf,
  ladderFromPicture,
  ladderUnits,
  parseFrameRate,
  pixelsPerSecondOf,
  rateInWords,
  renditionUnits,
  requireEncodable,
  requireLadder,
  requireTimeZone,
  type ChannelChange,
  type ChannelInput,
  type ChannelSpec,
  type Deinterlace,
  type FrameRate,
  type Ladder,
  type PictureFormat,
} from '../domain';

/** An input that is slower than this is added with the default ladder, and tried by the source until it comes. */
const LOOK_MS = 12_000;

/** A channel to be added, and what its owner should know of it, in sentences. */
export interface NewChannel {
  spec: ChannelSpec;
  notes: string[];
}

/** Refusals of a look that a later one would give again. */
const FINAL: readonly string[] = ['input-not-video', 'bad-request'];

/** @throws SwarmError input-not-video, bad-request */
const factsOr = async (
  source: Pick<SourceClient, 'look'>,
  { url, choice }: Extract<ChannelInput, { kind: 'url' }>,
  timeoutMs: number,
): Promise<InputFacts | SwarmError> => {
  try {
    return await source.look(url, { timeoutMs, choice });
  } catch (error) {
    if (!(error instanceof SwarmError) || FINAL.includes(error.code)) throw error;
    return error;
  }
};

/** Of fields, two of which make a picture; null where that is no rate that a channel can have. */
const twice = (rate: FrameRate): FrameRate | null => {
  const { numerator, denominator } = fractionOf(rate);
  return parseFrameRate(`${2 * numerator}/${denominator}`);
};

/** A picture that the source encodes, it deinterlaces too. */
const deinterlaceFor = ({ video: { scan, carried } }: InputFacts): Deinterlace =>
  scan === 'interlaced' && carried === 'as-is' ? 'frame' : 'none';

/** What follows from the input where it was not given. */
const fromFacts = (
  given: AddChannel,
  facts: InputFacts,
  limitUnits: number,
): { fields: Partial<ChannelSpec>; notes: string[] } => {
  const { shownWidthPx: widthPx, shownHeightPx: heightPx } = facts.video;
  const { frameRate } = facts.video;
  const ofInput = frameRate === null ? null : parseFrameRate(frameRate);
  const isByField = given.deinterlace === 'field' && facts.video.scan === 'interlaced';
  const followed = ofInput !== null && isByField ? twice(ofInput) : ofInput;
  const rate = given.framesPerSecond ?? followed ?? channelWithDefaults(given.id).framesPerSecond;
  const notes = [...facts.notes];
  if (given.framesPerSecond === undefined && followed === null) {
    notes.push(
      `The input has no frame rate that a channel can follow: the channel has ${rateInWords(rate)}.`,
    );
  }
  const deinterlace = deinterlaceFor(facts);
  const picture = {
    framesPerSecond: rate,
    inputPixelsPerSecond: pixelsPerSecondOf(facts.video, followed ?? rate),
    ...(deinterlace !== 'none' && { deinterlace }),
    ...(facts.video.colour && { inputColour: facts.video.colour }),
  };
  if (given.ladder) return { fields: picture, notes };
  const made = ladderFor({ widthPx, heightPx, rate }, limitUnits);
  return { fields: { ...picture, ...made.ladder }, notes: [...notes, ...made.notes] };
};

/** The ladder that an encoder here carries of a picture. */
const ladderFor = (picture: PictureFormat, limitUnits: number): { ladder: Ladder; notes: string[] } => {
  const { whole, ...ladder } = ladderFromPicture(picture, limitUnits);
  if (whole) return { ladder, notes: [] };
  const top = ladder.ladder.at(-1)!;
  const { widthPx, heightPx, rate } = picture;
  const note =
    `The input is ${widthPx}x${heightPx} at ${rateInWords(rate)}, ` +
    `${renditionUnits({ ...top, widthPx, heightPx }, rate).toFixed(2)} encode units; an encoder here carries ` +
    `${limitUnits.toFixed(2)}. So its ladder ends at ${top.widthPx}x${top.heightPx}. ` +
    'For more: npm start -- --encoder-units N, or --ladder.';
  return { ladder, notes: [note] };
};

/** A picture that is drawn in another size than the default ladder is made for. */
const fromGenerated = (
  given: AddChannel,
  input: Extract<ChannelInput, { kind: 'generated' }>,
  limitUnits: number,
): { fields: Partial<ChannelSpec>; notes: string[] } => {
  const { widthPx = GENERATED_WIDTH_PX, heightPx = GENERATED_HEIGHT_PX } = input;
  const rate = given.framesPerSecond ?? channelWithDefaults(given.id).framesPerSecond;
  const picture = { widthPx, heightPx, rate };
  const fields = { inputPixelsPerSecond: pixelsPerSecondOf(picture, rate) };
  if (given.ladder) return { fields, notes: [] };
  const { ladder, notes } = ladderFor(picture, limitUnits);
  return { fields: { ...fields, ...ladder }, notes };
};

/** Where nobody knows what an encoder carries: what the default ladder needs, which every encoder of ours does. */
const leastLimitUnits = (): number => {
  const { ladder, framesPerSecond } = channelWithDefaults('any');
  return ladderUnits(ladder, framesPerSecond);
};

/**
 * A channel from what was given. What was not given comes from its input, where it has one that can be looked at, else
 * from the default channel.
 * @param limitsOf gives the encode units that each encoder may carry; none: nobody knows
 * @param lookMs how long the input may take to say what it is
 * @throws SwarmError conflict (a ladder whose rungs do not go together, or not with the channel's rate), input-not-video
 */
export const newChannel = async (
  given: AddChannel,
  source: Pick<SourceClient, 'look'>,
  limitsOf: () => Promise<readonly number[]>,
  lookMs = LOOK_MS,
): Promise<NewChannel> => {
  const { ladder } = given;
  const chosen = { ...(ladder && alwaysOnLadder(ladder)), ...given };
  let made: Partial<ChannelSpec> = {};
  let notes: string[] = [];
  requireTimeZone(given);
  requireLadder({ ...channelWithDefaults(given.id), ...chosen });
  const roomiest = async (): Promise<number> => {
    const limits = await limitsOf();
    return limits.length > 0 ? Math.max(...limits) : leastLimitUnits();
  };
  if (given.input?.kind === 'url') {
    const facts = await factsOr(source, given.input, lookMs);
    if (facts instanceof SwarmError) {
      notes = [`The input could not be looked at (${facts.message}). What was not given is the default.`];
    } else {
      ({ fields: made, notes } = fromFacts(given, facts, await roomiest()));
    }
  } else if (given.input?.widthPx !== undefined || given.input?.heightPx !== undefined) {
    ({ fields: made, notes } = fromGenerated(given, given.input, await roomiest()));
  }
  const spec = { ...channelWithDefaults(given.id, given.input), ...made, ...chosen };
  const gopDurationTicks = given.gopDurationTicks ?? defaultGopTicks(spec.framesPerSecond);
  requireEncodable({ ...spec, gopDurationTicks });
  return { spec: { ...spec, gopDurationTicks }, notes };
};

/**
 * A change of a channel with what follows from it: another input may have other colours, or may have to be deinterlaced
 * where the one before had not, or the other way round. An input that does not say what it is changes nothing of that.
 * @throws SwarmError input-not-video, conflict (no such time zone)
 */
export const changeWithInput = async (
  spec: ChannelSpec,
  change: ChannelChange,
  source: Pick<SourceClient, 'look'>,
): Promise<ChannelChange> => {
  requireTimeZone(change);
  if (!change.input) return change;
  const facts = change.input.kind === 'url' ? await factsOr(source, change.input, LOOK_MS) : null;
  if (facts instanceof SwarmError) return change;
  const inputColour = facts?.video.colour;
  const looked = { ...change, ...(inputColour && { inputColour }) };
  if (change.deinterlace !== undefined) return looked;
  const wanted = facts ? deinterlaceFor(facts) : 'none';
  const deinterlace = wanted === 'frame' && spec.deinterlace === 'field' ? 'field' : wanted;
  return deinterlace === (spec.deinterlace ?? 'none') ? looked : { ...looked, deinterlace };
};
