import { SwarmError } from '../domain';
import { adminTokenFile, partTokenFile } from '../launch/swarm-secrets';
import { isLoopbackUrl } from '../platform/addresses';
import { readTokenFile, readTokenIfThere } from '../platform/own-identity';

/** Folder of the local state, where no option names another. */
const stateDirOf = (env: NodeJS.ProcessEnv): string => env.SWARM_STATE_DIR || '.swarm';

/** The state folder of a command. */
interface OfFolder {
  stateDir?: string | undefined;
  /** As an option: what the environment names may be of another swarm, and comes second. */
  isNamed?: boolean;
}

type Attempt = () => Promise<string | undefined>;

/** Secrets of the state folder go to no other machine than this one. */
const ofFolder =
  (url: string, file: string, variable: string): Attempt =>
  async () =>
    isLoopbackUrl(url) ? readTokenIfThere(file, variable) : undefined;

const firstOf = async (attempts: readonly Attempt[]): Promise<string | undefined> => {
  for (const attempt of attempts) {
    const token = await attempt();
    if (token !== undefined) return token;
  }
  return undefined;
};

/**
 * What a command shows to the API: the token in the file that was named, else that of the administrator of the state
 * folder. The latter goes to no other machine than this one.
 * @param named with --token-file
 * @throws SwarmError bad-request for a file that was named and can't be used
 */
export const tokenFor = async (
  apiUrl: string,
  { named, stateDir, isNamed }: { named?: string | undefined } & OfFolder,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> => {
  if (named !== undefined) return readTokenFile(named, '--token-file');
  const own = ofFolder(apiUrl, adminTokenFile(stateDir ?? stateDirOf(env)), 'SWARM_ADMIN_TOKEN_FILE');
  const { SWARM_TOKEN_FILE, SWARM_ADMIN_TOKEN_FILE } = env;
  const ofEnvironment: Attempt = async () => {
    if (SWARM_TOKEN_FILE) return readTokenFile(SWARM_TOKEN_FILE, 'SWARM_TOKEN_FILE');
    return SWARM_ADMIN_TOKEN_FILE
      ? ofFolder(apiUrl, SWARM_ADMIN_TOKEN_FILE, 'SWARM_ADMIN_TOKEN_FILE')()
      : undefined;
  };
  return firstOf(isNamed ? [own, ofEnvironment] : [ofEnvironment, own]);
};

/** What a command shows to a part that it asks by itself, such as the relay: as tokenFor. */
export const partTokenFor = async (
  partUrl: string,
  { stateDir, isNamed }: OfFolder,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> => {
  const own = ofFolder(partUrl, partTokenFile(stateDir ?? stateDirOf(env)), 'SWARM_PART_TOKEN_FILE');
  const { SWARM_PART_TOKEN_FILE: file } = env;
  const ofEnvironment: Attempt = async () =>
    file ? readTokenFile(file, 'SWARM_PART_TOKEN_FILE') : undefined;
  return firstOf(isNamed ? [own, ofEnvironment] : [ofEnvironment, own]);
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
