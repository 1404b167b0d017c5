import type { FoundProgram, SetupContext } from './context';
import { findOrUnpack } from './program-ladder';

/** Where Debian has it: not on the PATH of users. */
const SYSTEM_PATH = '/usr/sbin/nginx';

/** The proxy of an edge. @throws as findOrUnpack */
export const findOrInstallNginx = (context: SetupContext, systemPath = SYSTEM_PATH): Promise<FoundProgram> =>
  findOrUnpack(context, {
    title: 'nginx',
    name: 'nginx',
    systemPath,
    debianPackage: 'nginx',
    pathInPackage: 'usr/sbin/nginx',
    hint: 'Install it (Debian: apt-get install nginx), or put it on PATH.',
  });
