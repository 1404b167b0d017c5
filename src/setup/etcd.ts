import type { FoundProgram, SetupContext } from './context';
import { findOrUnpack } from './program-ladder';

/** The store of ownership of a swarm with replicas. @throws as findOrUnpack */
export const findOrInstallEtcd = (context: SetupContext): Promise<FoundProgram> =>
  findOrUnpack(context, {
    title: 'etcd',
    name: 'etcd',
    debianPackage: 'etcd-server',
    pathInPackage: 'usr/bin/etcd',
    hint: 'Replicas keep in it who owns a channel. Install it (Debian: apt-get install etcd-server), or put it on PATH.',
  });
