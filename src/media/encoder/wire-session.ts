import type { SessionInfo } from '../../domain';

/** Message `Session` of protos/encoder.proto as proto-loader takes and gives it. */
export interface WireSession extends Omit<SessionInfo, 'state' | 'failure' | 'cpuCores'> {
  state: string;
  failureCode: string;
  failureMessage: string;
  cpuCores: number;
}

export const toWireSession = ({ state, failure, ...rest }: SessionInfo): WireSession => ({
  ...rest,
  state: state.toUpperCase(),
  failureCode: failure?.code ?? '',
  failureMessage: failure?.message ?? '',
  cpuCores: rest.cpuCores ?? 0,
});

/** Answer to the release of a session that the host does not know: released long ago, or never there. */
export const releasedSession = (sessionId: string): WireSession => ({
  sessionId,
  channelId: '',
  state: 'RELEASED',
  token: 0,
  renditions: [],
  units: 0,
  fromGop: 0,
  lastEncodedGop: -1,
  lastPublishedGop: -1,
  ready: false,
  failureCode: '',
  failureMessage: '',
  realTimeRatio: 0,
  lateGops: 0,
  cpuCores: 0,
});
