import type { EncoderObservation, SessionInfo } from '../domain';

/** Takes room on its encoder. */
export const isLive = ({ state }: SessionInfo): boolean => state !== 'failed' && state !== 'released';
/** Does not publish yet: its channel may be on the way to this encoder. */
export const isPreparing = ({ state }: SessionInfo): boolean => state === 'starting' || state === 'holding';

export const sessionsOf = (encoder: EncoderObservation | undefined): readonly SessionInfo[] =>
  encoder?.telemetry?.sessions ?? [];
