import type { Environment } from '../config/config';

/** How to reach Temporal. `tls` and `apiKey` come from an envconfig profile only. */
export interface TemporalOptions {
  address: string;
  namespace: string;
  tls?: object | boolean;
  apiKey?: string;
  metadata?: Record<string, string>;
}

/**
 * TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; or, where TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE is set, that profile of
 * Temporal's own client configuration, which those variables override.
 */
export const temporalOptions = async (
  environment: Environment,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalOptions> => {
  const plain = { address: environment.TEMPORAL_ADDRESS, namespace: environment.TEMPORAL_NAMESPACE };
  if (!env.TEMPORAL_PROFILE && !env.TEMPORAL_CONFIG_FILE) return plain;
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars });
  const { address, tls, apiKey, metadata } = connectionOptions;
  return {
    address: address ?? plain.address,
    namespace: namespace ?? plain.namespace,
    ...(tls !== undefined && tls !== null && { tls }),
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(metadata && { metadata: metadata as Record<string, string> }),
  };
};
