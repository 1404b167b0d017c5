import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { cheapChannel } from '../../bench/lib/data-plane';
import { startDataPlane } from '../support/data-plane';

/**
 * The data plane of an earlier release (its sources are a fixture) on the state of this one, and this one on what that
 * left: both know the format of the other.
 */
const fixtures = join(__dirname, 'fixtures');
const root = join(__dirname, '..', '..');
const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');
const releases = readdirSync(fixtures).filter((name) =>
  existsSync(join(fixtures, name, 'data-plane.tar.gz')),
);
/** GOPs of 1 s that each release puts on air. */
const GOPS = 4;

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'encoder-swarm-back-and-forth-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

test('there is a release to go back to', () => expect(releases).not.toEqual([]));

test.each(releases)(
  'a channel goes on from this release to %s and back, with every frame',
  async (release) => {
    const earlier = join(work, release);
    const stateDir = join(work, 'state');
    await mkdir(earlier);
    await extract({ file: join(fixtures, release, 'data-plane.tar.gz'), cwd: earlier });
    await symlink(join(root, 'node_modules'), join(earlier, 'node_modules'));
    const spec = cheapChannel('ch-1');

    let tokens: number[] = [];
    /** The parts of a release put the next GOPs on air. @returns the first GOP that is not on air yet */
    const goOn = async (tree: string, fromGop: number): Promise<number> => {
      const { plane } = await startDataPlane({
        stateDir,
        nodeArgs: (part) => ['-r', runner, join(tree, 'src', part, 'main.ts')],
      });
      try {
        await plane.putOnAir(spec, 'enc-1');
        await plane.published('ch-1', fromGop + GOPS);
        const { token, nextGop, gapsDeclared } = await plane.channel('ch-1');
        tokens = [...tokens, token];
        expect({ tree, gapsDeclared }).toEqual({ tree, gapsDeclared: 0 });
        return nextGop;
      } finally {
        await plane.stop();
      }
    };
    const first = await goOn(root, 0);
    const second = await goOn(earlier, first);
    const last = await goOn(root, second);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(3);

    const { plane } = await startDataPlane({ stateDir });
    try {
      const report = await plane.verify(['ch-1']);
      expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
      expect(report.playlists[0]).toMatchObject({ firstGop: 0 });
      expect(report.playlists[0]!.lastGop).toBeGreaterThanOrEqual(last - 1);
    } finally {
      await plane.stop();
    }
  },
  120_000,
);
