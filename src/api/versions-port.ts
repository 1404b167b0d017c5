import {
  SwarmError,
  versionsControl,
  versionsWorkflowId,
  type AddBuildRequest,
  type EncoderBuild,
  type PinRequest,
  type SetTargetRequest,
  type VersionsState,
} from '../domain';
import type { TemporalCalls } from '../temporal/calls';

/** The Central Version Manager as the API asks it. Every call refuses with a SwarmError. */
export interface VersionsPort {
  state(): Promise<VersionsState>;
  add(request: AddBuildRequest): Promise<EncoderBuild>;
  remove(buildId: string): Promise<void>;
  probe(buildId: string): Promise<EncoderBuild>;
  setTarget(request: SetTargetRequest): Promise<void>;
  pin(request: PinRequest): Promise<void>;
  unpin(channelId: string): Promise<void>;
}

const noManager = (): SwarmError =>
  new SwarmError(
    'unavailable',
    'The Central Version Manager does not run.',
    'Run `npm start`, which starts it.',
  );

/** @param temporal whoever can query and update workflows */
export const createVersionsPort = (
  cell: string,
  temporal: Pick<TemporalCalls, 'query' | 'update'>,
): VersionsPort => {
  const id = versionsWorkflowId(cell);
  const update = <T>(name: string, argument: unknown): Promise<T> =>
    temporal.update<T>(id, name, argument, noManager);
  return {
    state: () => temporal.query<VersionsState>(id, versionsControl.state, noManager),
    add: (request) => update(versionsControl.add, request),
    remove: (buildId) => update(versionsControl.remove, buildId),
    probe: (buildId) => update(versionsControl.probe, buildId),
    setTarget: (request) => update(versionsControl.setTarget, request),
    pin: (request) => update(versionsControl.pin, request),
    unpin: (channelId) => update(versionsControl.unpin, channelId),
  };
};
