import { z } from 'zod';
import { SwarmError } from './errors';
import { redacted } from './redact';
import { urlInputSchema, type UrlInput } from './url-input';

const MOST_BACKUPS = 8;

/** A look at the picture or the sound of an input, which decodes it: off unless asked for. */
const watchedFor = (what: string) =>
  z
    .number()
    .min(1)
    .max(600)
    .optional()
    .describe(`seconds of ${what} after which an input counts as away; absent: not looked for`);

/** What stands in for the input of a channel, and when. The first of `backups` that is sound goes first. */
export const standbySchema = z.strictObject({
  backups: z.array(urlInputSchema).min(1).max(MOST_BACKUPS).optional(),
  slate: z
    .union([z.literal('plain'), urlInputSchema])
    .optional()
    .describe(
      'what is shown, with silence, where no input is there: a film or an image, or `plain`, a grey picture',
    ),
  lossMs: z
    .int()
    .min(200)
    .max(10_000)
    .optional()
    .describe('an input that brings no picture for so long is away; 800 by default'),
  backAfterSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .nullable()
    .optional()
    .describe(
      'a better input goes on air again when it has been sound for so long; null: never by itself; 30 by default',
    ),
  blackSeconds: watchedFor('black picture'),
  frozenSeconds: watchedFor('a picture that does not move'),
  silentSeconds: watchedFor('silence'),
});
export type Standby = z.infer<typeof standbySchema>;

/** Names of inputs, as operators give them. */
export const PRIMARY = 'primary';
export const SLATE = 'slate';
/** @param index from 0 */
export const backupName = (index: number): string => `backup-${index + 1}`;
/** In place of a name: what the rules choose. */
export const BY_RULES = 'auto';

export const inputNameSchema = z
  .string()
  .regex(/^(primary|slate|auto|backup-[1-8])$/, 'use primary, backup-1 to backup-8, slate, or auto')
  .describe('`primary`, `backup-1`, … or `slate`; `auto`: the one that the rules choose');

/** Whether anything stands by. */
export const hasStandby = (standby: Standby | undefined): standby is Standby =>
  standby !== undefined && (standby.backups !== undefined || standby.slate !== undefined);

/** Refuses a standby where nothing could need it. @throws SwarmError conflict */
export const requireStandbyFits = ({
  id,
  input,
  standby,
}: {
  id: string;
  input: { kind: string };
  standby?: Standby | undefined;
}): void => {
  if (!hasStandby(standby) || input.kind === 'url') return;
  throw new SwarmError(
    'conflict',
    `${id} has a generated picture, which needs no backup and no slate.`,
    'Name an input too.',
  );
};

/** A standby with another input in place of each of its own. */
export const mapStandby = async (
  standby: Standby,
  change: (input: UrlInput) => UrlInput | Promise<UrlInput>,
): Promise<Standby> => {
  const { backups, slate } = standby;
  const changed = backups && (await Promise.all(backups.map(async (each) => change(each))));
  return {
    ...standby,
    ...(changed && { backups: changed }),
    ...(slate !== undefined && { slate: slate === 'plain' ? slate : await change(slate) }),
  };
};

/** A standby as it may be told. */
export const redactedStandby = (standby: Standby): Standby => {
  const told = (input: UrlInput): UrlInput => ({ ...input, url: redacted(input.url) });
  const { backups, slate } = standby;
  return {
    ...standby,
    ...(backups && { backups: backups.map(told) }),
    ...(slate !== undefined && { slate: slate === 'plain' ? slate : told(slate) }),
  };
};
