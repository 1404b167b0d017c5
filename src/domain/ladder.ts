import { z } from 'zod';
import type { ChannelSpec } from './channel';
import { SwarmError } from './errors';
import { refuseFaults, renditionFaults, renditionFieldsSchema, type Rendition } from './rendition';

/** The part of a channel that says what it is encoded to. */
export type Ladder = Pick<ChannelSpec, 'ladder' | 'viewersPerRung'>;

const rungFieldsSchema = renditionFieldsSchema.strict().extend({
  fromViewers: z
    .number()
    .min(0)
    .default(0)
    .describe('with at least so many viewers it is on air; 0, the default: always'),
});

const rungSchema = rungFieldsSchema.superRefine(refuseFaults);

interface Fault {
  /** Place in the ladder. */
  rung: number;
  field: 'name' | 'fromViewers';
  message: string;
}

/** What no single field can say. */
const faultsOf = (names: readonly string[], fromViewers: readonly number[]): Fault[] => [
  ...names.flatMap((name, rung) =>
    names.indexOf(name) < rung
      ? [{ rung, field: 'name' as const, message: `rung ${names.indexOf(name) + 1} is called ${name} too` }]
      : [],
  ),
  ...fromViewers.flatMap((viewers, rung) => {
    const before = fromViewers[rung - 1] ?? 0;
    if (rung === 0 && viewers > 0)
      return [{ rung, field: 'fromViewers' as const, message: 'the first rung is always on air: use 0' }];
    return viewers < before
      ? [
          {
            rung,
            field: 'fromViewers' as const,
            message: `must be at least the ${before} of the rung before`,
          },
        ]
      : [];
  }),
];

/** A ladder as a person writes it: its rungs in the order in which they go on air. */
export const ladderFileSchema = z
  .strictObject({ renditions: z.array(rungSchema).min(1).max(8) })
  .superRefine(({ renditions }, context) => {
    const faults = faultsOf(
      renditions.map((r) => r.name),
      renditions.map((r) => r.fromViewers),
    );
    for (const { rung, field, message } of faults)
      context.addIssue({ code: 'custom', path: ['renditions', rung, field], message });
  });
export type LadderFile = z.infer<typeof ladderFileSchema>;

export const ladderOf = ({ renditions }: LadderFile): Ladder => ({
  ladder: renditions.map(({ fromViewers: _fromViewers, ...rendition }) => rendition),
  viewersPerRung: renditions.slice(1).map((r) => r.fromViewers),
});

/** @throws SwarmError conflict for a ladder whose rungs do not go together, or a rung whose fields do not */
export const requireLadder = ({ ladder, viewersPerRung }: Ladder): void => {
  for (const [index, rendition] of ladder.entries()) {
    const [fault] = renditionFaults(rendition);
    if (!fault) continue;
    throw new SwarmError(
      'conflict',
      `Rung ${index + 1} of the ladder: ${fault.field}: ${fault.message}.`,
      'See docs/reference/ladder.md for what goes together.',
    );
  }
  const [fault] = faultsOf(
    ladder.map((r) => r.name),
    [0, ...viewersPerRung],
  );
  if (!fault) return;
  throw new SwarmError(
    'conflict',
    `Rung ${fault.rung + 1} of the ladder: ${fault.field === 'name' ? 'name' : 'viewersPerRung'} ${fault.message}.`,
    'Give each rung another name, and thresholds that do not fall.',
  );
};

const rung = (name: string, size: [number, number], crf: number, maxBitrateKbps: number): Rendition => ({
  name,
  widthPx: size[0],
  heightPx: size[1],
  crf,
  maxBitrateKbps,
});

const R180 = rung('180p', [320, 180], 26, 400);
const R360 = rung('360p', [640, 360], 24, 1_000);
const R480 = rung('480p', [854, 480], 24, 1_800);
const R720 = rung('720p', [1280, 720], 23, 4_000);
const R1080 = rung('1080p', [1920, 1080], 23, 7_500);

const alwaysOn = (...ladder: Rendition[]): Ladder => ({
  ladder,
  viewersPerRung: ladder.slice(1).map(() => 0),
});

/** Audiences that earn the second and the third rung. The generated audience is scaled to cross them. */
const SMALL_VIEWERS_PER_RUNG: readonly number[] = [1000, 2800];

/** Ladders by name, for 16:9. In all but `small` every rung is always on air. */
export const LADDER_PRESETS = {
  /** The default of a generated picture. One rung costs 1 encode unit, two 1.64, all three 3.415. */
  small: {
    ladder: [R180, rung('144p', [256, 144], 27, 250), rung('240p', [426, 240], 26, 700)],
    viewersPerRung: [...SMALL_VIEWERS_PER_RUNG],
  },
  sd: alwaysOn(R180, R360, R480),
  '720p': alwaysOn(R180, R360, R720),
  '1080p': alwaysOn(R180, R360, R720, R1080),
} satisfies Record<string, Ladder>;

export type LadderPreset = keyof typeof LADDER_PRESETS;

export const ladderPresetNames = Object.keys(LADDER_PRESETS) as LadderPreset[];

/** A ladder of its own, so that nobody changes it for others. */
export const copyOfPreset = (preset: LadderPreset): Ladder => structuredClone(LADDER_PRESETS[preset]);

/** All of these rungs are on air whatever the audience. */
export const alwaysOnLadder = (ladder: readonly Rendition[]): Ladder => alwaysOn(...ladder);
