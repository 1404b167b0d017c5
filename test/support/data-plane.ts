import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataPlane, type DataPlaneOptions } from '../../bench/lib/data-plane';

const root = join(__dirname, '..', '..');
const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');

/** A data plane that runs from the sources, in a folder of its own. */
export const startDataPlane = async (
  options: Partial<DataPlaneOptions> & Pick<DataPlaneOptions, 'portBase'>,
): Promise<{ plane: DataPlane; stop: () => Promise<void> }> => {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'data-plane-')));
  const plane = await DataPlane.start({
    encoders: 1,
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
