import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OriginClient } from '../../src/contracts/origin';

/** Ways to break the swarm that the checks of a run must notice; a run with one of them has to fail. */
export const sabotages = ['lose-gop', 'spoil-gop', 'declare-gap'] as const;
export type Sabotage = (typeof sabotages)[number];

/** Does it to one channel, once. @returns what was done */
export const sabotage = async (
  kind: Sabotage,
  options: { originUrl: string; stateDir: string; channelId: string; gop: number },
): Promise<string> => {
  const { originUrl, stateDir, channelId, gop } = options;
  const folder = join(stateDir, 'origin', channelId, 'gops');
  const file = join(folder, `${gop}.ts`);
  switch (kind) {
    case 'lose-gop':
      await rm(file);
      return `SABOTAGE: GOP ${gop} of ${channelId} was taken from the disk`;
    case 'spoil-gop': {
      const known = await readdir(folder);
      if (!known.includes(`${gop - 1}.ts`)) throw new Error(`no GOP ${gop - 1} of ${channelId} to repeat`);
      await copyFile(join(folder, `${gop - 1}.ts`), file);
      return `SABOTAGE: GOP ${gop} of ${channelId} was overwritten with the one before it`;
    }
    case 'declare-gap': {
      const origin = new OriginClient(originUrl);
      const { token, nextGop } = await origin.channel(channelId);
      const gap = { token, fromGop: nextGop, toGop: nextGop + 1, reason: 'sabotage' };
      await origin.declareGap(channelId, gap);
      return `SABOTAGE: GOP ${nextGop} of ${channelId} was declared a gap without need`;
    }
  }
};
