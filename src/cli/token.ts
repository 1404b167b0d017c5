import { SwarmError } from '../domain';
import { adminTokenFile, partTokenFile } from '../launch/swarm-secrets';
import { isLoopbackUrl } from '../platform/addresses';
import { readTokenFile, readTokenIfThere } from '../platform/own-identity';

/** Folder of the local state, where no option names another. */
const stateDirOf = (env: NodeJS.ProcessEnv): string => env.SWARM_STATE_DIR || '.swarm';

/**
 * What a command shows to the API: the token in the file that was named, else that of the administrator of the state
 * folder. The latter goes to no other machine than this one.
 * @param named with --token-file
 * @throws SwarmError bad-request for a file that was named and can't be used
 */
export const tokenFor = async (
  apiUrl: string,
  { named, stateDir }: { named?: string | undefined; stateDir?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> => {
  if (named !== undefined) return readTokenFile(named, '--token-file');
  if (env.SWARM_TOKEN_FILE) return readTokenFile(env.SWARM_TOKEN_FILE, 'SWARM_TOKEN_FILE');
  if (!isLoopbackUrl(apiUrl)) return undefined;
  const file = env.SWARM_ADMIN_TOKEN_FILE || adminTokenFile(stateDir ?? stateDirOf(env));
  return readTokenIfThere(file, 'SWARM_ADMIN_TOKEN_FILE');
};

/** What a command shows to a part that it asks by itself, such as the relay: as tokenFor. */
export const partTokenFor = async (
  partUrl: string,
  { stateDir }: { stateDir?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> => {
  if (env.SWARM_PART_TOKEN_FILE) return readTokenFile(env.SWARM_PART_TOKEN_FILE, 'SWARM_PART_TOKEN_FILE');
  if (!isLoopbackUrl(partUrl)) return undefined;
  return readTokenIfThere(partTokenFile(stateDir ?? stateDirOf(env)), 'SWARM_PART_TOKEN_FILE');
};

/** A refusal by the API for what the caller is, with what to do about it at the command line. */
export const withTokenHint = (error: unknown): unknown =>
  error instanceof SwarmError && error.code === 'unauthenticated'
    ? new SwarmError(
        error.code,
        error.message,
        'Run it in the folder of the swarm or set SWARM_STATE_DIR, so that its token is found; else name a file with --token-file or SWARM_TOKEN_FILE.',
      )
    : error;
