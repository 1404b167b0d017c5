import { posix } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../domain';

/** Format of the archive. It grows by one with a change that an older release would misread. */
export const BACKUP_FORMAT = 1;

/** First entry of the archive: what it must hold. No file of a state folder has this name. */
export const MANIFEST_NAME = 'encoder-swarm-backup.json';

/** Below the state folder, with `/`; never above it. */
const pathSchema = z
  .string()
  .refine((path) => path !== '' && posix.normalize(path) === path && !/^(\/|\.\.?(\/|$))/.test(path));

const manifestSchema = z.object({
  format: z.literal(BACKUP_FORMAT),
  /** Release that made the backup. */
  release: z.string(),
  madeAtMs: z.number(),
  /** Format of the state in it, see `format.json`. */
  stateFormat: z.int().min(1),
  directories: z.array(pathSchema),
  files: z.array(
    z.object({ path: pathSchema, bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type KeptFile = Manifest['files'][number];

/** What every manifest says, of whatever format. */
const anyManifestSchema = z.looseObject({ format: z.int().min(1), release: z.string().optional() });

/**
 * @param file name of the archive, for messages
 * @throws SwarmError bad-request if it is none; conflict if a newer release made it
 */
export const parseManifest = (text: string, file: string): Manifest => {
  const { data: any } = anyManifestSchema.safeParse(parsed(text));
  if (any && any.format > BACKUP_FORMAT) {
    throw new SwarmError(
      'conflict',
      `${file} is a backup of format ${any.format}${any.release ? ` by release ${any.release}` : ''}; ` +
        `this release reads formats up to ${BACKUP_FORMAT}. Nothing was changed.`,
      'Restore it with the release that made it, or a newer one.',
    );
  }
  const { data: manifest } = manifestSchema.safeParse(parsed(text));
  if (!manifest) throw damaged(file, 'its list of files can not be understood');
  return manifest;
};

/** The refusal of an archive that is not as it was made. */
export const damaged = (file: string, why: string): SwarmError =>
  new SwarmError(
    'bad-request',
    `${file} is damaged, or no backup of a swarm: ${why}. Nothing was changed.`,
    'Use another backup.',
  );

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
