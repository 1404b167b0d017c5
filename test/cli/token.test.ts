import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { partTokenFor, tokenFor } from '../../src/cli/token';
import { adminTokenFile, partTokenFile } from '../../src/launch/swarm-secrets';

const HERE = 'http://127.0.0.1:7700';
const tokenOf = (letter: string): string => letter.repeat(43);

let folder: string;
let stateDir: string;
let env: Record<string, string>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  stateDir = join(folder, 'second');
  const files = {
    [join(folder, 'api')]: tokenOf('e'),
    [join(folder, 'part')]: tokenOf('p'),
    [adminTokenFile(stateDir)]: tokenOf('a'),
    [partTokenFile(stateDir)]: tokenOf('b'),
  };
  for (const [file, token] of Object.entries(files)) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${token}\n`, { mode: 0o600 });
  }
  env = { SWARM_TOKEN_FILE: join(folder, 'api'), SWARM_PART_TOKEN_FILE: join(folder, 'part') };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a folder that an option names has its own token, whatever the environment names', async () => {
  expect(await tokenFor(HERE, { stateDir, isNamed: true }, env)).toBe(tokenOf('a'));
  expect(await partTokenFor(HERE, { stateDir, isNamed: true }, env)).toBe(tokenOf('b'));
  expect(await tokenFor(HERE, { stateDir, isNamed: true, named: join(folder, 'api') }, env)).toBe(
    tokenOf('e'),
  );
});

test('else the environment goes before the folder', async () => {
  expect(await tokenFor(HERE, { stateDir }, env)).toBe(tokenOf('e'));
  expect(await partTokenFor(HERE, { stateDir }, env)).toBe(tokenOf('p'));
  expect(await tokenFor(HERE, { stateDir }, {})).toBe(tokenOf('a'));
  expect(await partTokenFor(HERE, { stateDir }, {})).toBe(tokenOf('b'));
});

test('what the folder keeps goes to no other machine', async () => {
  expect(await tokenFor('http://10.0.0.4:7700', { stateDir, isNamed: true }, {})).toBeUndefined();
  expect(await partTokenFor('http://10.0.0.4:7701', { stateDir, isNamed: true }, {})).toBeUndefined();
});
