import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { FoundProgram, SetupContext } from './context';
import { findExecutable, toolsBinDir } from './executables';
import { buildIntoCache } from './go-install';

/** The newest server that can be built from the public module proxy alone. */
export const TEMPORAL_SERVER_VERSION = 'v1.30.8';

export interface ClusterPrograms {
  /** Runs one role of the server, or several. */
  server: FoundProgram;
  /** Makes its tables, and brings them up to date. */
  sqlTool: FoundProgram;
}

const PROGRAMS = {
  server: { name: 'temporal-server', mainPackage: 'go.temporal.io/server/cmd/server', aboutPackages: 1_250 },
  sqlTool: {
    name: 'temporal-sql-tool',
    mainPackage: 'go.temporal.io/server/cmd/tools/sql',
    aboutPackages: 700,
  },
} as const;

const findOrBuild = async (
  context: SetupContext,
  program: (typeof PROGRAMS)[keyof typeof PROGRAMS],
): Promise<FoundProgram> => {
  const { env } = context;
  const name = `${program.name}-${TEMPORAL_SERVER_VERSION}`;
  const cached = await findExecutable(join(toolsBinDir(env), name), env);
  if (cached) return { path: cached, how: 'tools cache' };
  return buildIntoCache(context, name, { ...program, version: TEMPORAL_SERVER_VERSION });
};

/**
 * The programs of a Temporal cluster, for tests on one and for trying it by hand: the tools cache, or a build with Go
 * (about 5 minutes on 2 cores the first time).
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrBuildTemporalCluster = async (context: SetupContext): Promise<ClusterPrograms> => {
  try {
    // One after the other: they are built from the same packages.
    const server = await findOrBuild(context, PROGRAMS.server);
    return { server, sqlTool: await findOrBuild(context, PROGRAMS.sqlTool) };
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `Temporal's server was not found and could not be built: ${(error as Error).message}.`,
      'Install Go 1.25.14 or later.',
    );
  }
};
