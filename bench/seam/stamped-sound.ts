import { gopStartTicks, type ChannelSpec } from '../../src/domain';
import type { FfmpegCapabilities } from '../../src/media/encoder/ffmpeg-capabilities';
import { dueSound, judgeStampedSound } from '../../src/verify';
import type { Recording } from './recording';

/** Whose sound it is. It is no channel's: two of them get the same. */
export const SOUND_OF = 'seam';
export const SPEAKERS = 2;

/** The sound of every rendition by its stamp, decoded: to the sample. */
export const stampedSoundFigures = async (options: {
  recording: Recording;
  spec: ChannelSpec;
  key: Buffer;
  build: FfmpegCapabilities;
}) => {
  const { recording, spec, key, build } = options;
  const figures = {
    ...{ audioSamplesChecked: 0, audioSamplesLost: 0, audioSamplesRepeated: 0, audioSamplesInvalid: 0 },
    avOffsetChangeMs: 0,
  };
  const [first, last] = [recording.entries[0]?.gop ?? 0, recording.entries.at(-1)?.gop ?? -1];
  const startOf = (gop: number): number => gopStartTicks(gop, spec.gopDurationTicks);
  const due = dueSound(startOf(first), startOf(last + 1));
  for (const { name } of spec.ladder) {
    const units = (recording.facts.get(name) ?? []).flatMap(({ sound }) => sound);
    if (units.length === 0) {
      figures.audioSamplesChecked += due.until - due.from;
      figures.audioSamplesLost += due.until - due.from;
      continue;
    }
    const track = { paths: [recording.fileOf(name)], index: 0, units, due };
    const judged = await judgeStampedSound({ ...track, key, channelId: SOUND_OF, speakers: SPEAKERS }, build);
    for (const problem of judged.problems) console.log(`${name}: ${problem}`);
    figures.audioSamplesChecked += judged.checked;
    figures.audioSamplesLost += judged.lost;
    figures.audioSamplesRepeated += judged.repeated;
    figures.audioSamplesInvalid += judged.invalid;
    const { least = 0, most = 0 } = judged.offsetMs ?? {};
    figures.avOffsetChangeMs = Math.max(figures.avOffsetChangeMs, most - least);
  }
  return figures;
};
