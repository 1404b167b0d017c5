import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataPlane, type DataPlaneOptions } from '../../bench/lib/data-plane';
import { claimPortBase } from './ports';

const root = join(__dirname, '..', '..');
const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');

/** A data plane that runs from the sources, in a folder and on ports of its own unless others are given. */
export const startDataPlane = async (
  options: Partial<DataPlaneOptions> = {},
): Promise<{ plane: DataPlane; stop: () => Promise<void> }> => {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'data-plane-')));
  const plane = await DataPlane.start({
    encoders: 1,
    portBase: options.portBase ?? (await claimPortBase()),
    nodeArgs: (part) => ['-r', runner, join(root, 'src', part, 'main.ts')],
    ...options,
    stateDir,
  });
  return {
    plane,
    stop: async () => {
      await plane.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
};
