import { join } from 'node:path';
import { findOrInstallEtcd } from '../../src/setup';
import { StandInMachine } from './stand-ins';

let machine: StandInMachine;
const find = () => findOrInstallEtcd({ env: machine.env, progress: () => {} });

beforeEach(async () => (machine = await StandInMachine.create()));
afterEach(() => machine.remove());

test('etcd on PATH is used, then the tools cache', async () => {
  const cached = await machine.program(join(machine.cacheBin, 'etcd'), '');
  expect(await find()).toEqual({ path: cached, how: 'tools cache' });
  const onPath = await machine.onPath('etcd', '');
  expect(await find()).toEqual({ path: onPath, how: 'PATH' });
});

test('the Debian package is unpacked into the tools cache, without installing it', async () => {
  await machine.onPath('apt-get', 'for last; do :; done; case "$*" in *download*) : > "$last.deb";; esac');
  await machine.onPath(
    'dpkg-deb',
    `/bin/mkdir -p unpacked/usr/bin
printf '#!/bin/sh\\n' > unpacked/usr/bin/etcd
/bin/chmod +x unpacked/usr/bin/etcd`,
  );
  const path = join(machine.cacheBin, 'etcd');
  expect(await find()).toEqual({ path, how: 'Debian package etcd-server' });
  expect(await find()).toEqual({ path, how: 'tools cache' });
});

test('where it can not be had it is refused, with what to do', async () => {
  await expect(find()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^etcd was not found .*, so this is not a Debian system\.$/) as string,
    hint: expect.stringContaining('apt-get install etcd-server') as string,
  });
});
