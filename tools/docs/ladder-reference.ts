import { stringify } from 'yaml';
import { z } from 'zod';
import { ladderFileOf } from '../../src/cli/ladder-file';
import {
  LADDER_PRESETS,
  ladderFileSchema,
  ladderPresetNames,
  ladderUnits,
  type LadderPreset,
} from '../../src/domain';
import { fieldLines, type JsonSchema } from './json-schema';
import { generatedNote, pageOf, tableOf } from './page';

const RATE = 25;

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
    'The codec is H.264 (libx264), 8 bits, 4:2:0, at the frame rate of the channel. The level follows from size, rate and bit rate.',
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
