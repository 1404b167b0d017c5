import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  TOXIPROXY_VERSION,
  findOrInstallFaketime,
  findOrInstallNginx,
  findOrInstallToxiproxy,
} from '../../src/setup';
import { StandInMachine } from './stand-ins';

let machine: StandInMachine;
const context = () => ({ env: machine.env, progress: () => {} });

beforeEach(async () => (machine = await StandInMachine.create()));
afterEach(() => machine.remove());

describe('Toxiproxy', () => {
  test('a program on PATH is used, then the tools cache', async () => {
    const cached = await machine.program(join(machine.cacheBin, 'toxiproxy-server'), '');
    expect(await findOrInstallToxiproxy(context())).toEqual({ path: cached, how: 'tools cache' });
    const onPath = await machine.onPath('toxiproxy-server', '');
    expect(await findOrInstallToxiproxy(context())).toEqual({ path: onPath, how: 'PATH' });
  });

  test('with Go it is built into the tools cache, at its pinned version', async () => {
    await machine.onPath(
      'go',
      `echo "$@" > ${machine.root}/go-arguments
printf '#!/bin/sh\\n' > "$GOBIN/server"
/bin/chmod +x "$GOBIN/server"`,
    );
    const path = join(machine.cacheBin, 'toxiproxy-server');
    expect(await findOrInstallToxiproxy(context())).toEqual({
      path,
      how: `built with Go (${TOXIPROXY_VERSION})`,
    });
    expect(await readFile(join(machine.root, 'go-arguments'), 'utf8')).toContain(
      `github.com/Shopify/toxiproxy/v2/cmd/server@${TOXIPROXY_VERSION}`,
    );
    expect(await readdir(join(machine.cacheBin, '..'))).toEqual(['bin']);
  });

  test('without Go it is refused, with what to do', async () => {
    await expect(findOrInstallToxiproxy(context())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('go is not on PATH') as string,
      hint: expect.stringContaining('install Go') as string,
    });
  });
});

describe('libfaketime', () => {
  const library = async (folder: string): Promise<string> => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'libfaketime.so.1'), '');
    return join(folder, 'libfaketime.so.1');
  };
  const find = () => findOrInstallFaketime(context(), join(machine.root, 'usr-lib'));

  test('the installed one is used, then the tools cache', async () => {
    const cached = await library(join(machine.cacheBin, '..', 'lib'));
    expect(await find()).toEqual({ path: cached, how: 'tools cache' });
    const installed = await library(join(machine.root, 'usr-lib', 'x86_64-linux-gnu', 'faketime'));
    expect(await find()).toEqual({ path: installed, how: 'installed' });
  });

  test('the Debian package is unpacked into the tools cache, without installing it', async () => {
    await machine.onPath('apt-get', 'for last; do :; done; case "$*" in *download*) : > "$last.deb";; esac');
    await machine.onPath(
      'dpkg-deb',
      '/bin/mkdir -p "$3/usr/lib/arch/faketime"; : > "$3/usr/lib/arch/faketime/libfaketime.so.1"',
    );
    const path = join(machine.cacheBin, '..', 'lib', 'libfaketime.so.1');
    expect(await find()).toEqual({ path, how: 'Debian package libfaketime' });
    expect(await readdir(join(machine.cacheBin, '..'))).toEqual(['lib']);
  });

  test('where it can not be had it is refused, with what to do', async () => {
    await expect(find()).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('apt-get install libfaketime') as string,
    });
  });
});

describe('nginx', () => {
  const find = () => findOrInstallNginx(context(), join(machine.root, 'sbin', 'nginx'));

  test('the Debian package is unpacked into the tools cache; then that is used, and before it the one on PATH', async () => {
    await machine.onPath('apt-get', 'for last; do :; done; case "$*" in *download*) : > "$last.deb";; esac');
    await machine.onPath(
      'dpkg-deb',
      '/bin/mkdir -p "$3/usr/sbin"; : > "$3/usr/sbin/nginx"; /bin/chmod +x "$3/usr/sbin/nginx"',
    );
    const path = join(machine.cacheBin, 'nginx');
    expect(await find()).toEqual({ path, how: 'Debian package nginx' });
    expect(await find()).toEqual({ path, how: 'tools cache' });
    const onPath = await machine.onPath('nginx', '');
    expect(await find()).toEqual({ path: onPath, how: 'PATH' });
  });

  test('where it can not be had it is refused, with what to do', async () => {
    await expect(find()).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('apt-get install nginx') as string,
    });
  });
});
