import type { FoundProgram, SetupContext } from './context';
import { buildIntoCache } from './go-install';
import { findProgram, installOrRefuse } from './program-ladder';

export const TOXIPROXY_VERSION = 'v2.12.0';

/**
 * The proxy that makes network faults, for chaos runs only: `toxiproxy-server` on PATH, the tools cache, a build
 * with Go (20 s).
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallToxiproxy = async (context: SetupContext): Promise<FoundProgram> => {
  const name = 'toxiproxy-server';
  const found = await findProgram(name, context.env);
  if (found) return found;
  const hint = 'Put toxiproxy-server on PATH, or install Go so that it can be built.';
  return installOrRefuse('Toxiproxy', hint, () =>
    buildIntoCache(context, name, {
      mainPackage: 'github.com/Shopify/toxiproxy/v2/cmd/server',
      version: TOXIPROXY_VERSION,
      aboutPackages: 280,
    }),
  );
};
