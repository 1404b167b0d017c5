import { readFile } from 'node:fs/promises';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';

/** How to reach Temporal. */
export interface TemporalOptions {
  address: string;
  namespace: string;
  tls?: object | boolean;
  apiKey?: string;
  metadata?: Record<string, string>;
}

/** Variables of Temporal's own client configuration that say more than where its server is. */
const LINK_VARIABLE = /^TEMPORAL_(TLS(_\w+)?|API_KEY|GRPC_META_\w+)$/;

/**
 * TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, with what TEMPORAL_TLS_…, TEMPORAL_API_KEY (or the file that
 * TEMPORAL_API_KEY_FILE names) and TEMPORAL_GRPC_META_… say; and, where TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE is set,
 * that profile of Temporal's own client configuration, which all those variables override.
 * @throws SwarmError bad-request for a file or profile that can't be read
 */
export const temporalOptions = async (
  environment: Environment,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalOptions> => {
  const plain = { address: environment.TEMPORAL_ADDRESS, namespace: environment.TEMPORAL_NAMESPACE };
  const given = Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]);
  const hasProfile = given.some(([name]) => ['TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].includes(name));
  const apiKeyFile = env.TEMPORAL_API_KEY_FILE;
  if (!hasProfile && !apiKeyFile && !given.some(([name]) => LINK_VARIABLE.test(name))) return plain;
  const overrideEnvVars = {
    ...Object.fromEntries(given),
    ...(apiKeyFile && { TEMPORAL_API_KEY: await readKey(apiKeyFile) }),
  };
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  try {
    // The file that Temporal's own tools read unasked may name somebody's production.
    const loaded = loadClientConnectConfig({ overrideEnvVars, disableFile: !hasProfile });
    const { address, tls, apiKey, metadata } = loaded.connectionOptions;
    return {
      address: address ?? plain.address,
      namespace: loaded.namespace ?? plain.namespace,
      ...(tls !== undefined && tls !== null && { tls }),
      ...(typeof apiKey === 'string' && { apiKey }),
      ...(metadata && { metadata: metadata as Record<string, string> }),
    };
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `The settings for Temporal can't be used: ${(error as Error).message}`,
      'Correct TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE or the variables that begin with TEMPORAL_TLS.',
    );
  }
};

const readKey = async (file: string): Promise<string> => {
  const key = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SwarmError(
      'bad-request',
      `The API key in ${file} can't be read: ${error.code ?? 'unknown error'}.`,
      'Make it readable for the account that runs this, or correct TEMPORAL_API_KEY_FILE.',
    );
  });
  return key.trim();
};
