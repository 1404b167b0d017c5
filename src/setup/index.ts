export type { SetupContext, FoundProgram, FoundServer } from './context';
export { findExecutable, toolsBinDir, toolsCacheDir } from './executables';
export { findOrInstallEtcd } from './etcd';
export { findOrInstallFaketime } from './faketime';
export { findOrInstallFfmpeg, type FoundFfmpeg } from './ffmpeg';
export { findOrInstallInflux } from './influx';
export { findOrInstallNginx } from './nginx';
export { findOrInstallPostgres, type FoundPostgres } from './postgres';
export { findOrInstallTemporal, type FoundTemporalService } from './temporal';
export {
  findOrBuildTemporalCluster,
  TEMPORAL_SERVER_VERSION,
  type ClusterPrograms,
} from './temporal-cluster';
export { findOrInstallToxiproxy, TOXIPROXY_VERSION } from './toxiproxy';
export { requireDiskSpace, NEEDED_FREE_BYTES, type StatFileSystem } from './disk-space';
export { portUser, type PortUser } from './port-user';
export {
  portsFor,
  requireFreePorts,
  DEFAULT_PORT_BASE,
  MAX_LOCAL_ENCODERS,
  PORTS_IN_A_BASE,
  SHIFT_ALL_PORTS,
  type PortWanted,
  type SwarmPorts,
} from './ports';
export { StepReporter, type Screen } from './step-reporter';
export { findOrInstallTools, type Tools } from './tools';
export { preparePythonEnvironment } from './python-environment';
export { explainFailure, runCommand } from './run-command';
export { findBuildExecutable, packagedFfmpeg } from './build-executable';
export { requireAllowedExecutable } from './build-policy';
