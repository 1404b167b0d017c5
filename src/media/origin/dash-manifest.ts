import { TICKS_PER_SECOND, gopStartTicks, renditionRate } from '../../domain';
import { initName, lifeOf, soundName } from './cmaf-names';
import {
  languageTagOf,
  picturesIn,
  soundIn,
  soundsIn,
  videoCodecOf,
  type PictureTrack,
  type SoundInRecords,
} from './cmaf-tracks';
import { piecesOf, type Piece } from './gop-cuts';
import { notFound, type PlaylistChannel } from './playlists';
import type { LedgerRecord } from './records';
import { spliceEvents } from './splice-events';
import { periodOf } from './timeline';
import { element } from './xml-element';

/** DASH manifests (ISO/IEC 23009-1, live profile with SegmentTimeline) as pure functions of the ledger. */

/** xs:duration of milliseconds. */
const duration = (ms: number): string => `PT${(ms / 1000).toFixed(3)}S`;

/** Players stay so many GOPs behind the newest one: one that they load, and two of reserve. */
const DELAY_GOPS = 4;

interface Run {
  startTicks: number;
  durationTicks: number;
  count: number;
}

/** The pieces of a list, in runs of equal ones without a hole. */
const runsOf = (pieces: readonly Piece[]): Run[] => {
  const runs: Run[] = [];
  for (const { startTicks, durationTicks } of pieces) {
    const run = runs.at(-1);
    const goesOn =
      run?.durationTicks === durationTicks && startTicks === run.startTicks + run.count * durationTicks;
    if (run && goesOn) run.count += 1;
    else runs.push({ startTicks, durationTicks, count: 1 });
  }
  return runs;
};

/**
 * Where the fragments of an AdaptationSet are: $Time$ is channel time, also that of sound.
 * @param isThere whether it has anything of a piece
 */
const segmentTemplate = (
  records: readonly LedgerRecord[],
  channel: PlaylistChannel,
  isThere: (record: LedgerRecord, piece: Piece) => boolean = () => true,
): string => {
  const { gopDurationTicks } = channel;
  const { gop } = periodOf(records[0]!, gopDurationTicks);
  const pieces = records.flatMap((record) =>
    piecesOf(record, channel).filter((piece) => isThere(record, piece)),
  );
  const timeline = runsOf(pieces).map(({ startTicks, durationTicks, count }) =>
    element('S', { t: startTicks, d: durationTicks, r: count > 1 ? count - 1 : undefined }),
  );
  const attributes = {
    timescale: TICKS_PER_SECOND,
    presentationTimeOffset: gopStartTicks(gop, gopDurationTicks),
    media: `$RepresentationID$/$Time$.m4s?v=${lifeOf(records[0]!, channel)}`,
  };
  return element('SegmentTemplate', attributes, [element('SegmentTimeline', {}, timeline)]);
};

/** The header of a representation; all else it has of the template of its AdaptationSet. */
const ownTemplate = (id: string, configuration: string): string =>
  element('SegmentTemplate', { initialization: `${id}/${initName(configuration)}` });

/** AdaptationSet@id is a number (ISO/IEC 23009-1, 5.3.3), and stays the same for a set. Sound: its track behind these. */
const PICTURE_SET_IDS = new Map([
  ['avc1', 1],
  ['hvc1', 2],
  ['hev1', 3],
]);
const OTHER_PICTURE_SET_ID = 9;
const BEFORE_SOUND_SETS = 100;

/** Renditions of one codec: a player changes among them without a new decoder. */
const pictureSet = (
  family: string,
  tracks: readonly PictureTrack[],
  records: readonly LedgerRecord[],
  channel: PlaylistChannel,
): string => {
  const representations = tracks.map(({ name, latest, rates }) =>
    element(
      'Representation',
      {
        ...{ id: name, bandwidth: rates.peak, codecs: videoCodecOf(latest) },
        ...{ width: latest.widthPx, height: latest.heightPx },
        frameRate: renditionRate(latest, channel.framesPerSecond),
      },
      [
        ...(latest.videoRange ? [element('SupplementalProperty', transferOf[latest.videoRange])] : []),
        ownTemplate(name, latest.parameterSets),
      ],
    ),
  );
  return element(
    'AdaptationSet',
    {
      ...{ id: PICTURE_SET_IDS.get(family) ?? OTHER_PICTURE_SET_ID, contentType: 'video' },
      mimeType: 'video/mp4',
      ...{ segmentAlignment: 'true', startWithSAP: 1 },
    },
    [element('Role', ROLE), segmentTemplate(records, channel), ...representations],
  );
};

const TRANSFER = 'urn:mpeg:mpegB:cicp:TransferCharacteristics';
const transferOf = {
  PQ: { schemeIdUri: TRANSFER, value: 16 },
  HLG: { schemeIdUri: TRANSFER, value: 18 },
};
const ROLE = { schemeIdUri: 'urn:mpeg:dash:role:2011', value: 'main' };
const CHANNELS = 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011';

const soundSet = (
  { latest, rates }: SoundInRecords,
  isFirst: boolean,
  records: readonly LedgerRecord[],
  channel: PlaylistChannel,
): string => {
  const name = soundName(latest.track);
  const channels = latest.channels
    ? [element('AudioChannelConfiguration', { schemeIdUri: CHANNELS, value: latest.channels })]
    : [];
  const representation = element(
    'Representation',
    { id: name, bandwidth: rates.peak, codecs: latest.codecs },
    [...channels, ownTemplate(name, latest.configuration)],
  );
  return element(
    'AdaptationSet',
    {
      ...{ id: BEFORE_SOUND_SETS + latest.track, contentType: 'audio', mimeType: 'audio/mp4' },
      lang: languageTagOf(latest),
      ...{ segmentAlignment: 'true', startWithSAP: 1 },
    },
    [
      element('Role', { ...ROLE, ...(!isFirst && { value: 'alternate' }) }),
      segmentTemplate(
        records,
        channel,
        (record, piece) => soundIn(record, latest.track, piece) !== undefined,
      ),
      representation,
    ],
  );
};

/** Records of one period each: a discontinuity, and wall-clock time that jumps, begin another. */
const periodsIn = (
  records: readonly LedgerRecord[],
  { gopDurationTicks }: PlaylistChannel,
): LedgerRecord[][] => {
  const idOf = (r: LedgerRecord): string => `${r.discontinuities}/${periodOf(r, gopDurationTicks).gop}`;
  const periods: LedgerRecord[][] = [];
  for (const record of records) {
    const period = periods.at(-1);
    if (period && idOf(period[0]!) === idOf(record)) period.push(record);
    else periods.push([record]);
  }
  return periods;
};

const periodElement = (records: readonly LedgerRecord[], channel: PlaylistChannel): string => {
  const { gop, startMs } = periodOf(records[0]!, channel.gopDurationTicks);
  const pictures = picturesIn(records, channel);
  const families = [...new Set(pictures.map(({ latest }) => videoCodecOf(latest).split('.')[0]!))];
  const pictureSets = families.map((family) => {
    const tracks = pictures.filter(({ latest }) => videoCodecOf(latest).startsWith(`${family}.`));
    const names = tracks.map(({ name }) => name);
    const having = records.filter(({ renditions }) =>
      names.every((name) => renditions.some((r) => r.name === name)),
    );
    return pictureSet(family, tracks, having, channel);
  });
  const soundSets = soundsIn(records, channel).map((sound, index) => {
    const { track } = sound.latest;
    const having = records.filter((record) => soundIn(record, track));
    return soundSet(sound, index === 0, having, channel);
  });
  const id = `${records[0]!.discontinuities}-${gop}`;
  const events = spliceEvents(records, gop, channel);
  return element('Period', { id, start: duration(startMs) }, [...events, ...pictureSets, ...soundSets]);
};

/**
 * Manifest of a live channel. Its times are those of the wall clock since 1970, so that it needs no history beyond its
 * window: a period's start is in the record of each of its GOPs. A GOP that is a gap, or is lost, is a hole in the
 * timeline (S@t).
 * @param windowMs how much of the past it was asked for
 * @throws SwarmError not-found while nothing is published
 */
export const dashManifest = (
  channel: PlaylistChannel,
  records: readonly LedgerRecord[],
  windowMs: number,
  isStored: (gop: number) => boolean,
): string => {
  const listed = records.filter(({ gop, renditions }) => renditions.length > 0 && isStored(gop));
  const newest = listed.at(-1);
  if (!newest) throw notFound(`Channel ${channel.id} has no segments now.`, 'Ask again after its next GOP.');
  const gopMs = (channel.gopDurationTicks * 1000) / TICKS_PER_SECOND;
  const mpd = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      profiles: 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019',
      type: 'dynamic',
      availabilityStartTime: new Date(0).toISOString(),
      publishTime: new Date(newest.publishedAtMs).toISOString(),
      minimumUpdatePeriod: duration(gopMs),
      minBufferTime: duration(gopMs),
      maxSegmentDuration: duration(gopMs),
      timeShiftBufferDepth: duration(Math.max(windowMs, 2 * DELAY_GOPS * gopMs)),
      suggestedPresentationDelay: duration(DELAY_GOPS * gopMs),
    },
    [
      ...periodsIn(listed, channel).map((period) => periodElement(period, channel)),
      element('UTCTiming', { schemeIdUri: 'urn:mpeg:dash:utc:http-xsdate:2014', value: '../time' }),
    ],
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${mpd}\n`;
};
