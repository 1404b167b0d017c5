/** What chaos does to a swarm. */

export const linkNames = [
  'orchestrator-encoder',
  'orchestrator-origin',
  'encoder-origin',
  'encoder-relay',
] as const;
/** Two ends between which a proxy stands. The orchestrator: worker and collector. */
export type LinkName = (typeof linkNames)[number];

export const linkEffects = ['partition', 'blackhole', 'delay', 'throttle', 'reset'] as const;
/**
 * partition: connections end and new ones are refused; blackhole: they stay open and nothing comes through;
 * delay: latency; throttle: few bytes a second; reset: every connection is reset.
 */
export type LinkEffect = (typeof linkEffects)[number];

/** Parts that stop or end as a whole; `ffmpeg` and `encoder`: of one encoder host. */
export const processTargets = [
  'ffmpeg',
  'encoder',
  'relay',
  'origin',
  'worker',
  'influxdb',
  'temporal',
] as const;
export type ProcessTarget = (typeof processTargets)[number];

export const clockTargets = ['worker', 'encoder', 'relay', 'origin', 'collector'] as const;
export type ClockTarget = (typeof clockTargets)[number];

/** How far a clock is set: up to two minutes, or an hour to a day. */
export const clockSpans = ['minutes', 'day'] as const;
export type ClockSpan = (typeof clockSpans)[number];

/** Parts of which the record of one channel is damaged, which they read when they start again. */
export const damageTargets = ['origin', 'relay'] as const;
export type DamageTarget = (typeof damageTargets)[number];

/** What is started a second time on the same state folder, and must be refused. */
export const secondTargets = ['relay', 'origin', 'source', 'swarm'] as const;
export type SecondTarget = (typeof secondTargets)[number];

/** Parts of which one is killed while the disk of the whole state is full. Not the relay: what it has not written then is lost. */
export const fullDiskVictims = ['origin', 'worker', 'influxdb', 'temporal'] as const;
export type FullDiskVictim = (typeof fullDiskVictims)[number];

/**
 * away: connections end, and new ones too; silent: they stay, and carry nothing. Of the one channel with a live input.
 */
export const inputAbsences = ['away', 'silent'] as const;
export type InputAbsence = (typeof inputAbsences)[number];

export type FaultAction =
  | { group: 'kill'; target: ProcessTarget }
  /** `whole`: what it has started stands still too. */
  | { group: 'stop'; target: ProcessTarget; whole: boolean }
  /** `amount`: milliseconds of a delay, kB/s of a throttle. */
  | { group: 'network'; link: LinkName; effect: LinkEffect; amount: number }
  /** `state`: everything that the swarm writes, logs and databases included; `kills`: in the midst of it. */
  | { group: 'disk'; target: 'origin' }
  | { group: 'disk'; target: 'state'; kills: FullDiskVictim }
  | { group: 'clock'; target: ClockTarget; span: ClockSpan; jumpMs: number }
  | { group: 'damage'; target: DamageTarget }
  | { group: 'second'; target: SecondTarget }
  | { group: 'input'; target: 'input'; absence: InputAbsence };

export type FaultGroup = FaultAction['group'];

export interface Fault {
  /** Counted from 1. */
  number: number;
  /** After the beginning of the chaos. */
  atMs: number;
  /** 0: over in the same moment, as a kill is. */
  lastsMs: number;
  action: FaultAction;
  /** Which encoder host, as a place in the list of those that the swarm starts with; null where none is meant. */
  encoder: number | null;
  /** In [0, 1): decides what else is to be chosen at that moment, such as which of its ffmpeg. */
  choice: number;
}

/** The kind of a fault, as it is counted and drawn. */
export const kindOf = (action: FaultAction): string => {
  switch (action.group) {
    case 'network':
      return action.link === 'orchestrator-encoder' && action.effect === 'delay'
        ? 'slow gRPC'
        : `${action.effect} ${action.link}`;
    case 'disk':
      return `disk full ${action.target}`;
    case 'clock':
      return action.span === 'day' ? `clock a day off ${action.target}` : `clock ${action.target}`;
    case 'damage':
      return `file damaged ${action.target}`;
    case 'input':
      return `input ${action.absence}`;
    default:
      return `${action.group} ${action.target}`;
  }
};

/** Whether a fault is one of a single encoder host. */
export const isOfEncoder = (action: FaultAction): boolean =>
  action.group === 'network'
    ? action.link !== 'orchestrator-origin'
    : action.target === 'encoder' || action.target === 'ffmpeg';

/**
 * What a fault makes unusable: two faults of the same at a time would be one. While the disk of the whole state is full,
 * the relay has GOPs in its memory alone, and the origin takes none.
 */
export const victimsOf = ({ action, encoder }: Pick<Fault, 'action' | 'encoder'>): string[] => {
  if (encoder !== null) return [`encoder ${encoder}`];
  if (action.group === 'network') return [action.link];
  if (action.group === 'second') return action.target === 'swarm' ? ['second swarm'] : [action.target];
  return action.target === 'state'
    ? [...new Set([action.target, 'relay', 'origin', action.kills])]
    : [action.target];
};

/** A fault in a few words, with what was drawn for it. */
export const inWords = ({ action, lastsMs }: Pick<Fault, 'action' | 'lastsMs'>): string => {
  const seconds = `${(lastsMs / 1000).toFixed(1)} s`;
  switch (action.group) {
    case 'kill':
      return kindOf(action);
    case 'stop':
      return `${kindOf(action)}${action.whole ? ' and all it started' : ''} for ${seconds}`;
    case 'network': {
      const how =
        action.effect === 'delay'
          ? ` of ${action.amount} ms`
          : action.effect === 'throttle'
            ? ` to ${action.amount} kB/s`
            : '';
      return `${kindOf(action)}${how} for ${seconds}`;
    }
    case 'disk': {
      const kill = action.target === 'state' ? `, ${action.kills} killed meanwhile` : '';
      return `${kindOf(action)} for ${seconds}${kill}`;
    }
    case 'clock':
      return `${kindOf(action)} ${action.jumpMs > 0 ? '+' : ''}${action.jumpMs / 1000} s for ${seconds}`;
    case 'damage':
      return action.target === 'origin' ? `${kindOf(action)} for ${seconds}` : kindOf(action);
    case 'input':
      return `${kindOf(action)} for ${seconds}`;
    case 'second':
      return kindOf(action);
  }
};
