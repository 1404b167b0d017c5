import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORAL_SERVER_VERSION, findOrBuildTemporalCluster, findOrInstallPostgres } from '../../src/setup';
import { StandInMachine } from './stand-ins';

let machine: StandInMachine;
const context = () => ({ env: machine.env, progress: () => {} });

beforeEach(async () => (machine = await StandInMachine.create()));
afterEach(() => machine.remove());

describe("Temporal's server", () => {
  test('with Go its two programs are built into the tools cache, at their pinned version, once', async () => {
    await machine.onPath(
      'go',
      `echo "$@" >> ${machine.root}/go-arguments
for last; do :; done
name=\${last%@*}; name=\${name##*/}
printf '#!/bin/sh\\n' > "$GOBIN/$name"
/bin/chmod +x "$GOBIN/$name"`,
    );
    const path = (name: string) => join(machine.cacheBin, `${name}-${TEMPORAL_SERVER_VERSION}`);
    const how = `built with Go (${TEMPORAL_SERVER_VERSION})`;
    expect(await findOrBuildTemporalCluster(context())).toEqual({
      server: { path: path('temporal-server'), how },
      sqlTool: { path: path('temporal-sql-tool'), how },
    });
    const built = await readFile(join(machine.root, 'go-arguments'), 'utf8');
    expect(built).toContain(`go.temporal.io/server/cmd/server@${TEMPORAL_SERVER_VERSION}`);
    expect(built).toContain(`go.temporal.io/server/cmd/tools/sql@${TEMPORAL_SERVER_VERSION}`);
    expect(await findOrBuildTemporalCluster(context())).toMatchObject({
      server: { how: 'tools cache' },
      sqlTool: { how: 'tools cache' },
    });
    expect(await readFile(join(machine.root, 'go-arguments'), 'utf8')).toBe(built);
  });

  test('without Go it is refused, with what to do', async () => {
    await expect(findOrBuildTemporalCluster(context())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('go is not on PATH') as string,
      hint: expect.stringContaining('Install Go') as string,
    });
  });
});

describe('PostgreSQL', () => {
  const debian = () => join(machine.root, 'postgresql');
  const version = (number: string) => machine.program(join(debian(), number, 'bin', 'initdb'), '');

  test('the newest of Debian is used, but one that is named wins', async () => {
    await Promise.all([version('9'), version('15')]);
    const found = await findOrInstallPostgres(context(), debian());
    expect(found).toEqual({ binDir: join(debian(), '15', 'bin'), how: 'installed' });
    machine.env.POSTGRES_BIN_DIR = join(debian(), '9', 'bin');
    expect(await findOrInstallPostgres(context(), debian())).toMatchObject({ how: 'POSTGRES_BIN_DIR' });
    machine.env.POSTGRES_BIN_DIR = debian();
    await expect(findOrInstallPostgres(context(), debian())).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('where it can not be had it is refused, with what to do', async () => {
    await mkdir(debian());
    await expect(findOrInstallPostgres(context(), debian())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('apt-get is not on PATH') as string,
      hint: expect.stringContaining('POSTGRES_BIN_DIR') as string,
    });
  });
});
