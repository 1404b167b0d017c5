import { stringify } from 'yaml';
import { z } from 'zod';
import { ladderFileOf } from '../../src/cli/ladder-file';
import {
  CODECS,
  LADDER_PRESETS,
  PRESETS,
  costFactorOf,
  ladderFileSchema,
  ladderPresetNames,
  ladderUnits,
  whyNever,
  type LadderPreset,
  type Rendition,
} from '../../src/domain';
import { fieldLines, type JsonSchema } from './json-schema';
import { generatedNote, pageOf, tableOf } from './page';

const RATE = 25;
const ONE: Rendition = { name: 'any', widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 };
const CODECS_THAT_WORK = CODECS.filter((codec) => whyNever(codec) === null);

const rungsInWords = (name: LadderPreset): string => {
  const { ladder, viewersPerRung } = LADDER_PRESETS[name];
  return ladder
    .map((r, i) => {
      const from = i === 0 ? 0 : (viewersPerRung[i - 1] ?? 0);
      return `${r.widthPx}x${r.heightPx}, ${r.maxBitrateKbps} kbit/s${from > 0 ? `, from ${from} viewers` : ''}`;
    })
    .join('; ');
};

/** The reference of the file that a ladder is written in. */
export const ladderReference = (): string =>
  pageOf([
    generatedNote('`src/domain/ladder.ts` and `src/domain/rendition.ts`'),
    '# Ladder',
    'What `encoder-swarm channel add --ladder` takes: a file in YAML or JSON, or the name of a preset. How to choose: [choose a ladder](../how-to/choose-a-ladder.md). A file whose name is that of a preset is named with its folder: `./sd`.',
    '## Fields',
    'Of the renditions, the first is always on air; each further one is there from so many viewers on, and never without those before it. The names differ. A field that is none of these is refused.',
    fieldLines(z.toJSONSchema(ladderFileSchema, { io: 'input' }) as JsonSchema, (name) => name).join('\n'),
    'Where no field says otherwise, a rendition is H.264 (libx264), 8 bits, 4:2:0, at the frame rate of the channel, by quality under a cap. Fields that do not go together, or that the codec can not do, are refused with the field and the reason; so is `libsvtav1`, which is named here to say why: segments are MPEG-TS, and ffmpeg writes AV1 into it as private data that no player reads. A `frameRateDivisor` must divide the pictures of a GOP.',
    '## Encode units',
    'A rendition costs its pixels per second, beside 320x180 at 25 frames/s, times the cost of its codec and preset; with 10 bits it costs more.',
    tableOf([
      ['preset', ...CODECS_THAT_WORK],
      ...PRESETS.map((preset) => [
        preset,
        ...CODECS_THAT_WORK.map((codec) => costFactorOf({ ...ONE, codec, preset }).toFixed(1)),
      ]),
    ]),
    '## Presets',
    tableOf([
      ['preset', `encode units at ${RATE} frames/s`, 'rungs'],
      ...ladderPresetNames.map((name) => [
        `\`${name}\``,
        ladderUnits(LADDER_PRESETS[name].ladder, RATE).toFixed(2),
        rungsInWords(name),
      ]),
    ]),
    '`encoder-swarm channel ladder sd` prints one as a file:',
    `\`\`\`yaml\n${stringify(ladderFileOf(LADDER_PRESETS.sd)).trimEnd()}\n\`\`\``,
  ]);
