import { redacted } from '../domain';
import type { FoundProgram, FoundServer, SetupContext } from './context';
import { findOrInstallFfmpeg, type FoundFfmpeg } from './ffmpeg';
import { findOrInstallInflux } from './influx';
import type { StepReporter } from './step-reporter';
import { findOrInstallTemporal, type FoundTemporalService } from './temporal';

export interface Tools {
  temporal: FoundTemporalService | FoundProgram;
  influx: FoundServer | FoundProgram;
  ffmpeg: FoundFfmpeg;
}

/**
 * Finds or installs all that a swarm needs beside Node, side by side, and shows each.
 * @throws SwarmError of the first that could not be had
 */
export const findOrInstallTools = async (
  env: NodeJS.ProcessEnv,
  reporter: StepReporter,
  signal?: AbortSignal,
): Promise<Tools> => {
  const context = (progress: (line: string) => void): SetupContext => ({
    env,
    progress,
    ...(signal && { signal }),
  });
  const [temporal, influx, ffmpeg] = await Promise.all([
    reporter.step(
      'Temporal',
      (progress) => findOrInstallTemporal(context(progress)),
      (found) => ('path' in found ? `${found.path} (${found.how})` : `${found.address} (${found.how})`),
    ),
    reporter.step(
      'InfluxDB',
      (progress) => findOrInstallInflux(context(progress)),
      (found) => ('path' in found ? `${found.path} (${found.how})` : `${redacted(found.url)} (${found.how})`),
    ),
    reporter.step(
      'ffmpeg',
      (progress) => findOrInstallFfmpeg(context(progress)),
      (found) => `${found.ffmpegPath} (${found.how})`,
    ),
  ]);
  return { temporal, influx, ffmpeg };
};
