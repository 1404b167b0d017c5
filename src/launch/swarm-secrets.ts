import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readTokenFile, readTokenIfThere, setOwnIdentity } from '../platform/own-identity';
import { loadOrCreateSecret } from '../platform/secret-file';

/** Where a swarm keeps the secret of its parts, if it has made it. */
export const partTokenFile = (stateDir: string): string => join(stateDir, 'secrets', 'part-token');

/** Where a swarm keeps the token of its administrator, if it has made it. */
export const adminTokenFile = (stateDir: string): string => join(stateDir, 'secrets', 'admin-token');

const OWNER_ONLY = 0o700;

const makeSecret = async (file: string): Promise<string> => {
  await loadOrCreateSecret(file);
  await chmod(dirname(file), OWNER_ONLY);
  return file;
};

export interface SwarmSecrets {
  /** Files that hold them: what is handed to the parts. */
  files: { SWARM_PART_TOKEN_FILE: string; SWARM_ADMIN_TOKEN_FILE: string };
  partToken: string;
  adminToken: string;
}

/**
 * The secrets of a swarm: those that the environment names, else those of its state folder, made at its first start.
 * @throws SwarmError bad-request for a file that can't be read or holds no token
 */
export const ensureSecrets = async (stateDir: string, env: NodeJS.ProcessEnv): Promise<SwarmSecrets> => {
  const files = {
    SWARM_PART_TOKEN_FILE: env.SWARM_PART_TOKEN_FILE || (await makeSecret(partTokenFile(stateDir))),
    SWARM_ADMIN_TOKEN_FILE: env.SWARM_ADMIN_TOKEN_FILE || (await makeSecret(adminTokenFile(stateDir))),
  };
  return {
    files,
    partToken: await readTokenFile(files.SWARM_PART_TOKEN_FILE, 'SWARM_PART_TOKEN_FILE'),
    adminToken: await readTokenFile(files.SWARM_ADMIN_TOKEN_FILE, 'SWARM_ADMIN_TOKEN_FILE'),
  };
};

/**
 * Has this process ask as one that the swarm of a state folder knows, in its parts and its API. A folder of a release
 * that made no secrets is left as it is.
 */
export const useSecretsOf = async (stateDir: string): Promise<void> => {
  const [partToken, apiToken] = await Promise.all([
    readTokenIfThere(partTokenFile(stateDir), 'SWARM_PART_TOKEN_FILE'),
    readTokenIfThere(adminTokenFile(stateDir), 'SWARM_ADMIN_TOKEN_FILE'),
  ]);
  setOwnIdentity({ partToken, apiToken });
};
