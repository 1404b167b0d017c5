import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../platform/durable-file';
import { makeStateFolder } from '../../platform/state-folder';
import { AUDIENCE_ROLES } from './roles';

const anchorSchema = z.object({
  /** Wall clock at which the scenario began. */
  anchorMs: z.number().min(0),
  stepSeconds: z.number().min(1),
  /** Role by channel id, as cast at the anchor; channels that came later have a modest audience. */
  roles: z.record(z.string(), z.enum(AUDIENCE_ROLES)),
});
export type AudienceAnchor = z.infer<typeof anchorSchema>;

const anchorFile = (stateDir: string): string => join(stateDir, 'audience.json');

/** @returns null where there is none, or none that can be read: the scenario then starts over */
export const readAnchor = async (stateDir: string): Promise<AudienceAnchor | null> => {
  try {
    const parsed = anchorSchema.safeParse(JSON.parse(await readFile(anchorFile(stateDir), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

export const writeAnchor = async (stateDir: string, anchor: AudienceAnchor): Promise<void> => {
  await makeStateFolder(stateDir);
  await replaceFile(anchorFile(stateDir), `${JSON.stringify(anchor, null, 2)}\n`);
};
