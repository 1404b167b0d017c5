import type { InputFacts } from '../../contracts/source';
import {
  SwarmError,
  framesPerSecondOf,
  rateForFfmpeg,
  type FrameRate,
  type Deinterlace,
  type InputChoice,
} from '../../domain';
import { colourOf, isRgb } from './input-colour';
import { SCTE_35, type ProbedInput, type ProbedStream } from './probe';
import { isTooFast, steadyFrameRate } from './steady-frame-rate';

/**
 * Decides which tracks of an input are carried, and how. What MPEG-TS carries and every part understands goes as it
 * came; other codecs are encoded once.
 */

type Video = InputFacts['video'];
type Audio = InputFacts['audio'][number];
type Data = InputFacts['data'][number];
/** `index`: of the stream, as ffmpeg counts. */
type Track<T> = T & { index: number };
type SoundPlan = Track<Audio> & { mixedDown?: true };

export interface InputPlan {
  /** `bitstreamFilter`: what its coded pictures go through on the way, if they are copied. */
  video: Track<Video> & { bitstreamFilter?: string };
  /** `mixedDown`: to stereo, as it is encoded. */
  audio: SoundPlan[];
  data: Track<Data>[];
  /** Rate of what is sent; null where nobody knows. */
  rate: FrameRate | null;
  /** Its container gives times in milliseconds, which is not enough to tell frames exactly. */
  coarseClock: boolean;
  finite: boolean;
  /** It comes in segments, each at once. */
  inSegments: boolean;
  list: ProbedInput['list'];
  /** It is MPEG-TS, whose clock is the sender's own. */
  isTransportStream: boolean;
  /** It holds SCTE-35 that is carried: it is read by way of SpliceCarrier. */
  hasSplices: boolean;
  notes: string[];
}

const copiedVideo = new Set(['h264', 'hevc', 'mpeg2video', 'mpeg1video']);
/** What players take, browsers among them. */
const playedAudio = new Set(['aac', 'mp3']);
/** What MPEG-TS carries besides, and television sets take. */
const carriedAudio = new Set(['mp2', 'ac3', 'eac3']);
const STEREO_CHANNELS = 2;
/** What ffmpeg's MPEG-TS muxer writes in such a way that others read it. */
const copiedData = new Set(['dvb_teletext', 'dvb_subtitle', 'timed_id3', 'klv']);
/** SCTE-35 goes round ffmpeg, which reads it from this container but does not write it. */
const TRANSPORT_STREAM = 'mpegts';
/** Containers that say when a picture is decoded, and not when it is shown. */
const untimedFormats = ['avi', 'h264', 'hevc', 'mpegvideo'];
/** Containers that count milliseconds. */
const coarseFormats = ['matroska', 'flv', 'asf'];
/** Transfer characteristics of high dynamic range, in ffmpeg's words. */
const highRanges: Record<string, string> = { smpte2084: 'PQ', 'arib-std-b67': 'HLG' };
const segmentFormats = ['hls', 'dash'];
/** Containers that keep the parameter sets apart, where a decoder that begins amid the stream does not find them. */
const formatsWithHeaders = ['mov', 'matroska', 'flv'];
const withHeaders: Record<string, string> = {
  h264: 'h264_mp4toannexb,dump_extra=freq=keyframe',
  hevc: 'hevc_mp4toannexb,dump_extra=freq=keyframe',
};

/** What the owner of a channel wants of its input. */
export interface InputWishes {
  choice?: InputChoice | undefined;
  deinterlace?: Deinterlace | undefined;
  /** Its pictures were seen to come at another rate than it says: they are filled up. */
  varies?: boolean | undefined;
}

/**
 * @param channelRate of the channel that it is for; null where that is open
 * @throws SwarmError input-not-video where the input has not what was chosen
 */
export const planInput = (
  probed: ProbedInput,
  channelRate: FrameRate | null,
  { choice = {}, deinterlace = 'none', varies = false }: InputWishes = {},
): InputPlan => {
  const found = chosenVideo(probed, choice);
  const mates = programmeMates(probed, found, choice);
  const audio = chosenSound(mates, choice).map((s) => planAudio(s, choice));
  const data = mates.filter((s) => s.kind === 'data').map((s) => planData(s, probed.formatName));
  const said = varies ? null : steadyFrameRate(found);
  const video = planVideo(found, probed.formatName, said, channelRate, deinterlace);
  const { finite, list } = probed;
  const rate = video.carried === 'encoded' && channelRate ? channelRate : said;
  const inSegments = isOneOf(probed.formatName, segmentFormats);
  const coarseClock = isOneOf(probed.formatName, coarseFormats);
  const notes = notesOf({ video, audio, data }, probed, mates);
  const hasSplices = data.some(({ codec, carried }) => codec === SCTE_35 && carried === 'as-is');
  const isTransportStream = probed.formatName === TRANSPORT_STREAM;
  const how = { coarseClock, finite, inSegments, list, isTransportStream, hasSplices };
  return { video, audio, data, rate, ...how, notes };
};

/** The facts, without what only this part needs. */
export const factsOf = ({ video, audio, data, finite, notes }: InputPlan): InputFacts => {
  const bare = <T extends { index: number }>({ index: _index, ...facts }: T): Omit<T, 'index'> => facts;
  const { bitstreamFilter: _filter, ...picture } = bare(video);
  const sound = audio.map(({ mixedDown: _mixedDown, ...track }) => bare(track));
  return { video: picture, audio: sound, data: data.map(bare), finite, notes };
};

const pixels = (s: ProbedStream): number => s.widthPx * s.heightPx;

const refuse = (lacks: string, has: readonly (string | number)[]): SwarmError =>
  new SwarmError(
    'input-not-video',
    `The input has no ${lacks}; it has ${has.length > 0 ? has.join(', ') : 'none'}.`,
    'Choose what it has, or leave the choice to the source.',
  );

/** @throws SwarmError input-not-video */
const chosenVideo = (
  { streams, programmes }: ProbedInput,
  { programme, picture }: InputChoice,
): ProbedStream => {
  const pictures = streams.filter((s) => s.kind === 'video');
  if (programme !== undefined && !programmes.some(({ number }) => number === programme)) {
    const numbers = programmes.map(({ number }) => number);
    throw refuse(`programme ${programme}`, numbers);
  }
  const members = programmes.filter(({ number }) => number === programme).flatMap((p) => p.members);
  const ofProgramme = pictures.filter(({ index }) => programme === undefined || members.includes(index));
  if (ofProgramme.length === 0) throw refuse(`picture in programme ${programme}`, []);
  if (picture === undefined) return bestOf(ofProgramme);
  const chosen = ofProgramme.find(({ index }) => index === picture);
  if (chosen) return chosen;
  throw refuse(
    `picture with index ${picture}`,
    ofProgramme.map(({ index }) => index),
  );
};

/** @throws SwarmError input-not-video where it has one of the languages not at all */
const chosenSound = (mates: readonly ProbedStream[], { languages }: InputChoice): ProbedStream[] => {
  const sound = mates.filter((s) => s.kind === 'audio');
  if (!languages) return sound;
  const has = [...new Set(sound.map(({ language }) => language ?? 'sound of no named language'))];
  return [...new Set(languages)].flatMap((language) => {
    const chosen = sound.filter((s) => s.language === language);
    if (chosen.length === 0) throw refuse(`sound in "${language}"`, has);
    return chosen;
  });
};

/** The largest picture; of the same size, the one of the highest rate, then of the highest bitrate, then the first. */
const bestOf = (pictures: readonly ProbedStream[]): ProbedStream => {
  const rate = (s: ProbedStream): number => {
    const steady = steadyFrameRate(s);
    return steady === null ? 0 : framesPerSecondOf(steady);
  };
  const better = (a: ProbedStream, b: ProbedStream): number =>
    pixels(b) - pixels(a) || rate(b) - rate(a) || b.variantBitrate - a.variantBitrate;
  // `probeInput` refuses an input without a picture.
  return [...pictures].sort(better)[0]!;
};

/** The other streams of the video's programmes; of all programmes where it belongs to none. */
const programmeMates = (
  { streams, programmes }: ProbedInput,
  video: ProbedStream,
  { programme }: InputChoice,
): ProbedStream[] => {
  const ofVideo = programmes
    .filter(({ number, members }) =>
      programme === undefined ? members.includes(video.index) : number === programme,
    )
    .flatMap(({ members }) => members);
  const all = programmes.flatMap(({ members }) => members);
  const inOthers = new Set(all.filter((index) => !ofVideo.includes(index)));
  return streams.filter((s) => s.index !== video.index && !inOthers.has(s.index));
};

const planVideo = (
  s: ProbedStream,
  formatName: string,
  rate: FrameRate | null,
  channelRate: FrameRate | null,
  deinterlace: Deinterlace,
): InputPlan['video'] => {
  const isByField = s.isInterlaced && deinterlace === 'field';
  const whyOfFields = isByField ? 'Each of its fields becomes a picture.' : undefined;
  const why = whyEncoded(s, formatName) ?? whyOfFields ?? whyOfRate(s, rate, channelRate);
  const shown = shownSize(s);
  const filter = isOneOf(formatName, formatsWithHeaders) ? withHeaders[s.codec] : undefined;
  return {
    index: s.index,
    codec: s.codec,
    widthPx: s.widthPx,
    heightPx: s.heightPx,
    shownWidthPx: shown.widthPx,
    shownHeightPx: shown.heightPx,
    frameRate: rate === null ? null : rateForFfmpeg(rate),
    scan: s.isInterlaced ? 'interlaced' : 'progressive',
    pixelFormat: s.pixelFormat,
    colour: colourOf(s, why !== undefined),
    carried: why === undefined ? 'as-is' : 'encoded',
    ...(why !== undefined && { why }),
    ...(filter !== undefined && why === undefined && { bitstreamFilter: filter }),
  };
};

const isOneOf = (formatName: string, formats: readonly string[]): boolean =>
  formatName.split(',').some((name) => formats.includes(name));

const whyEncoded = (s: ProbedStream, formatName: string): string | undefined => {
  if (!copiedVideo.has(s.codec)) return `MPEG-TS does not carry ${s.codec}.`;
  if (s.rotationDegrees !== 0)
    return `It is turned by ${s.rotationDegrees} degrees, which MPEG-TS can't say.`;
  if (isRgb(s)) return 'Its colours are RGB, which renditions do not have.';
  if (isOneOf(formatName, untimedFormats)) return 'Its container does not say when pictures are shown.';
  return undefined;
};

/** A picture that comes as it likes is filled up, so that each GOP holds what its rate says. */
const whyOfRate = (
  s: ProbedStream,
  rate: FrameRate | null,
  channelRate: FrameRate | null,
): string | undefined => {
  if (rate === null && isTooFast(s))
    return 'It has more pictures/s than a channel can have: some are left out.';
  if (rate === null) return 'Its frame rate is unknown, or it varies: pictures are repeated or left out.';
  if (channelRate === null || rate === channelRate) return undefined;
  return `It has ${rateForFfmpeg(rate)} pictures/s, the channel ${rateForFfmpeg(channelRate)}.`;
};

/** Size with square pixels, turned upright, in even numbers. */
const shownSize = (s: ProbedStream): { widthPx: number; heightPx: number } => {
  const even = (length: number): number => Math.max(2, 2 * Math.round(length / 2));
  const wide = s.widthPx * s.sampleAspect;
  const onItsSide = Math.abs(Math.round(s.rotationDegrees / 90)) % 2 === 1;
  const [width, height] = onItsSide ? [s.heightPx, wide] : [wide, s.heightPx];
  return { widthPx: even(width), heightPx: even(height) };
};

const planAudio = (s: ProbedStream, choice: InputChoice): SoundPlan => {
  const { index, codec, channels, sampleRateHz } = s;
  const facts = { index, codec, channels, sampleRateHz, ...languageOf(s) };
  if (codec === 'unknown') return { ...facts, carried: 'left-out', why: 'Its codec is not known.' };
  const mixedDown = choice.soundLayout === 'stereo' && channels > STEREO_CHANNELS;
  const why = whySoundIsEncoded(s, choice) ?? (mixedDown ? 'It is mixed down to stereo.' : undefined);
  if (why === undefined) return { ...facts, carried: 'as-is' };
  return { ...facts, carried: 'encoded', ...(mixedDown && { mixedDown }), why };
};

const whySoundIsEncoded = (
  { codec, channels, sampleRateHz }: ProbedStream,
  { soundCodec }: InputChoice,
): string | undefined => {
  if (channels === 0 || sampleRateHz === 0)
    return 'What it holds was not known when it was opened, as nothing of it had come.';
  if (playedAudio.has(codec)) return undefined;
  if (!carriedAudio.has(codec)) return `Players do not take ${codec} in MPEG-TS.`;
  return soundCodec === 'as-is' ? undefined : `Browsers do not play ${codec}.`;
};

const planData = (s: ProbedStream, formatName: string): Track<Data> => {
  const facts = { index: s.index, codec: s.codec, ...languageOf(s) };
  const isSplice = s.codec === SCTE_35;
  if (isSplice && formatName !== TRANSPORT_STREAM)
    return { ...facts, carried: 'left-out', why: 'Its messages are carried from plain MPEG-TS alone.' };
  if (isSplice || copiedData.has(s.codec)) return { ...facts, carried: 'as-is' };
  return { ...facts, carried: 'left-out', why: `ffmpeg does not write ${s.codec} into MPEG-TS.` };
};

const languageOf = (s: ProbedStream): { language?: string } =>
  s.language === undefined ? {} : { language: s.language };

/** For people. */
export const trackName = ({ codec, language }: { codec: string; language?: string | undefined }): string =>
  language === undefined ? codec : `${codec}, ${language}`;

const whyNotCarried = (s: ProbedStream, mates: readonly ProbedStream[]): string => {
  if (s.kind === 'video') return 'Another picture was chosen.';
  return mates.includes(s) ? 'Other languages were chosen.' : 'It belongs to another programme.';
};

const notesOf = (
  { video, audio, data }: Pick<InputPlan, 'video' | 'audio' | 'data'>,
  { streams, hasPlaylistMarks = false }: ProbedInput,
  mates: readonly ProbedStream[],
): string[] => {
  const notes: string[] = [];
  if (hasPlaylistMarks)
    notes.push(
      'Its playlists announce splices (EXT-X-CUE-OUT, or EXT-X-DATERANGE with SCTE-35). They are left out. ' +
        'To mark a break: encoder-swarm channel splice.',
    );
  const range = highRanges[streams.find((s) => s.index === video.index)?.transfer ?? ''];
  if (range !== undefined)
    notes.push(
      `The picture has a high dynamic range (${range}): renditions of 10 bits keep it, those of 8 bits show it mapped to SDR.`,
    );
  if (video.carried === 'encoded') notes.push(`The picture (${video.codec}) is encoded once. ${video.why}`);
  for (const [number, track] of [...audio, ...data].entries()) {
    const { carried, why } = track;
    const what = number < audio.length ? 'sound' : 'data';
    const name = trackName(track);
    if (carried === 'encoded') notes.push(`The ${what} (${name}) is encoded once. ${why}`);
    if (carried === 'left-out') notes.push(`The ${what} (${name}) is left out. ${why}`);
  }
  const carried = new Set([video, ...audio, ...data].map(({ index }) => index));
  const others = streams.filter(
    (s) => !carried.has(s.index) && (s.kind === 'video' || s.kind === 'audio' || !mates.includes(s)),
  );
  for (const s of others) {
    const size = s.kind === 'video' ? `, ${s.widthPx}x${s.heightPx}` : '';
    const language = s.language === undefined ? '' : `, ${s.language}`;
    notes.push(
      `Stream ${s.index} (${s.kind}, ${s.codec}${size}${language}) is left out. ${whyNotCarried(s, mates)}`,
    );
  }
  return notes;
};
