import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../domain';
import { replaceFile } from './durable-file';
import { makeStateFolder } from './state-folder';

/**
 * Layout of the state folder that this release reads and writes. It grows by one with a change that an older release
 * would misread. Format 1 is also what folders without a `format.json` have: releases before it wrote none.
 */
export const STATE_FORMAT = 1;

const formatSchema = z.object({ format: z.int().min(1) });

/** In the state folder: which format it has. */
export const FORMAT_FILE = 'format.json';

/**
 * Makes sure that this release understands a state folder, before anything in it is touched; notes the format in one
 * that has none.
 *
 * @returns the format
 * @throws SwarmError conflict if a newer release wrote it; unavailable if the note can't be understood
 */
export const requireKnownFormat = async (stateDir: string): Promise<number> => {
  const noted = await notedFormat(stateDir);
  if (noted !== null) return noted;
  const path = join(stateDir, FORMAT_FILE);
  await makeStateFolder(stateDir);
  // Several parts start at once, each with a file of its own to rename; all of them write the same.
  await replaceFile(
    path,
    `${JSON.stringify({ format: STATE_FORMAT })}\n`,
    `${path}.${process.pid}.new`,
  ).catch(() => undefined);
  return STATE_FORMAT;
};

/**
 * The same for parts that have no folder of their own in it: nothing is noted, and the folder need not be there.
 *
 * @returns whether the format is noted
 * @throws SwarmError as requireKnownFormat
 */
export const hasKnownFormat = async (stateDir: string): Promise<boolean> =>
  (await notedFormat(stateDir)) !== null;

const notedFormat = async (stateDir: string): Promise<number | null> => {
  const path = join(stateDir, FORMAT_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
  const known = formatSchema.safeParse(parsed(text));
  if (!known.success) {
    throw new SwarmError(
      'unavailable',
      `${path} does not say which format the state has.`,
      `Restore it from a backup. A folder of this release has {"format":${STATE_FORMAT}}.`,
    );
  }
  if (known.data.format > STATE_FORMAT) {
    throw new SwarmError(
      'conflict',
      `${stateDir} has state of format ${known.data.format}; this release reads formats up to ${STATE_FORMAT}. Nothing was changed.`,
      'Start the newer release again, or restore a backup that this release made.',
    );
  }
  return known.data.format;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
