import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findOrInstallFfmpeg, findOrInstallInflux } from '../../src/setup';
import { StandInMachine } from './stand-ins';

let machine: StandInMachine;
const context = (env: NodeJS.ProcessEnv = {}) => ({ env: { ...machine.env, ...env }, progress: () => {} });

beforeEach(async () => (machine = await StandInMachine.create()));
afterEach(() => machine.remove());

/** apt-get and dpkg-deb that bring a package with one program, and note how they were called. */
const debianWith = async (program: string): Promise<void> => {
  const folder = machine.root;
  await machine.onPath(
    'apt-get',
    `echo "$@" >> ${folder}/apt-calls
for last; do :; done
case "$*" in *download*) : > "$last.deb";; *install*) printf '#!/bin/sh\\n' > ${folder}/path/${program}; /bin/chmod +x ${folder}/path/${program};; esac`,
  );
  await machine.onPath(
    'dpkg-deb',
    `/bin/mkdir -p "$3/usr/bin"; printf '#!/bin/sh\\n' > "$3/usr/bin/${program}"; /bin/chmod +x "$3/usr/bin/${program}"`,
  );
};

describe('InfluxDB', () => {
  test('INFLUX_URL wins over influxd on PATH', async () => {
    await machine.onPath('influxd', '');
    const found = await findOrInstallInflux(context({ INFLUX_URL: 'http://influx.example:8086' }));
    expect(found).toEqual({ url: 'http://influx.example:8086', how: 'INFLUX_URL' });
  });

  test('influxd on PATH is used', async () => {
    const path = await machine.onPath('influxd', '');
    expect(await findOrInstallInflux(context())).toEqual({ path, how: 'PATH' });
  });

  test('the Debian package is unpacked into the tools cache, without installing it', async () => {
    await debianWith('influxd');
    const path = join(machine.cacheBin, 'influxd');
    expect(await findOrInstallInflux(context())).toEqual({ path, how: 'Debian package influxdb' });
    expect(await readdir(join(machine.root, 'path'))).not.toContain('influxd');
    // Nothing of the download is left, and the next look finds the program.
    expect(await readdir(join(machine.cacheBin, '..'))).toEqual(['bin']);
    expect(await findOrInstallInflux(context())).toEqual({ path, how: 'tools cache' });
  });

  test('a package that can not be had is a refusal with cause and hint, and leaves nothing', async () => {
    await machine.onPath('apt-get', 'echo "E: Unable to locate package influxdb" >&2; exit 100');
    await machine.onPath('dpkg-deb', '');
    const failure = findOrInstallInflux(context());
    await expect(failure).rejects.toThrow('Unable to locate package influxdb');
    await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining('INFLUX_URL') as string });
    expect(await readdir(join(machine.cacheBin, '..'))).toEqual([]);
  });

  test('where there is no apt the refusal says so', async () => {
    await expect(findOrInstallInflux(context())).rejects.toThrow('apt-get is not on PATH');
  });
});

describe('ffmpeg', () => {
  test('FFMPEG and FFPROBE win over PATH', async () => {
    await machine.onPath('ffmpeg', '');
    const ffmpegPath = await machine.program(join(machine.root, 'own', 'ffmpeg'), '');
    const ffprobePath = await machine.program(join(machine.root, 'own', 'ffprobe'), '');
    const found = await findOrInstallFfmpeg(context({ FFMPEG: ffmpegPath, FFPROBE: ffprobePath }));
    expect(found).toEqual({ ffmpegPath, ffprobePath, how: 'FFMPEG' });
  });

  test('FFMPEG that names no program is refused, not passed over', async () => {
    await machine.onPath('ffmpeg', '');
    await expect(findOrInstallFfmpeg(context({ FFMPEG: '/nowhere/ffmpeg' }))).rejects.toThrow(
      '/nowhere/ffmpeg',
    );
  });

  test('PATH', async () => {
    const ffmpegPath = await machine.onPath('ffmpeg', '');
    expect(await findOrInstallFfmpeg(context())).toEqual({ ffmpegPath, ffprobePath: null, how: 'PATH' });
  });

  test('the Debian package is installed where that is allowed', async () => {
    await debianWith('ffmpeg');
    await machine.onPath('sudo', 'shift; exec "$@"');
    await machine.onPath('true', '');
    await machine.onPath('env', 'shift; exec "$@"');
    const found = await findOrInstallFfmpeg(context());
    expect(found).toMatchObject({
      ffmpegPath: join(machine.root, 'path', 'ffmpeg'),
      how: 'Debian package ffmpeg',
    });
  });

  test('the build of 2018 that npm installs serves only where it is asked for by name', async () => {
    const failure = findOrInstallFfmpeg(context());
    await expect(failure).rejects.toThrow(/ffmpeg was not found and could not be installed: apt-get is not/);
    await expect(failure).rejects.toMatchObject({
      hint: expect.stringMatching(/apt-get install ffmpeg.*FFMPEG=@ffmpeg-installer\/ffmpeg/) as string,
    });
    // Not where something else that FFMPEG names is missing, either.
    await expect(findOrInstallFfmpeg(context({ FFMPEG: 'ffmpeg-7' }))).rejects.toThrow('"ffmpeg-7"');
    const asked = await findOrInstallFfmpeg(context({ FFMPEG: '@ffmpeg-installer/ffmpeg' }));
    expect(asked.how).toContain('as FFMPEG asks');
    expect(asked.ffmpegPath).toMatch(/@ffmpeg-installer\/[^/]+\/ffmpeg$/);
    expect(asked.ffprobePath).toBeNull();
  });
});
