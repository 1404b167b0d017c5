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

export const clockTargets = ['worker', 'encoder', 'relay', 'origin'] as const;
export type ClockTarget = (typeof clockTargets)[number];

/** Parts of which one is killed while the disk of the whole state is full. Not the relay: what it has not written then is lost. */
export const fullDiskVictims = ['origin', 'worker', 'influxdb', 'temporal'] as const;
export type FullDiskVictim = (typeof fullDiskVictims)[number];

export type FaultDeed =
  | { group: 'kill'; target: ProcessTarget }
  /** `whole`: what it has started stands still too. */
  | { group: 'stop'; target: ProcessTarget; whole: boolean }
  /** `amount`: milliseconds of a delay, kB/s of a throttle. */
  | { group: 'network'; link: LinkName; effect: LinkEffect; amount: number }
  /** `state`: everything that the swarm writes, logs and databases included; `kills`: in the midst of it. */
  | { group: 'disk'; target: 'origin' }
  | { group: 'disk'; target: 'state'; kills: FullDiskVictim }
  | { group: 'clock'; target: ClockTarget; jumpMs: number };

export type FaultGroup = FaultDeed['group'];

export interface Fault {
  /** Counted from 1. */
  number: number;
  /** After the beginning of the chaos. */
  atMs: number;
  /** 0: over in the same moment, as a kill is. */
  lastsMs: number;
  deed: FaultDeed;
  /** Which encoder host, as a place in the list of those that the swarm starts with; null where none is meant. */
  encoder: number | null;
  /** In [0, 1): decides what else is to be chosen at that moment, such as which of its ffmpeg. */
  choice: number;
}

/** The kind of a fault, as it is counted and drawn. */
export const kindOf = (deed: FaultDeed): string => {
  switch (deed.group) {
    case 'network':
      return deed.link === 'orchestrator-encoder' && deed.effect === 'delay'
        ? 'slow gRPC'
        : `${deed.effect} ${deed.link}`;
    case 'disk':
      return `disk full ${deed.target}`;
    case 'clock':
      return `clock ${deed.target}`;
    default:
      return `${deed.group} ${deed.target}`;
  }
};

/** Whether a fault is one of a single encoder host. */
export const isOfEncoder = (deed: FaultDeed): boolean =>
  deed.group === 'network'
    ? deed.link !== 'orchestrator-origin'
    : deed.target === 'encoder' || deed.target === 'ffmpeg';

/**
 * What a fault makes unusable: two faults of the same at a time would be one. While the disk of the whole state is full,
 * the relay has GOPs in its memory alone, and the origin takes none.
 */
export const victimsOf = ({ deed, encoder }: Pick<Fault, 'deed' | 'encoder'>): string[] => {
  if (encoder !== null) return [`encoder ${encoder}`];
  if (deed.group === 'network') return [deed.link];
  return deed.target === 'state' ? [...new Set([deed.target, 'relay', 'origin', deed.kills])] : [deed.target];
};

/** A fault in a few words, with what was drawn for it. */
export const inWords = ({ deed, lastsMs }: Pick<Fault, 'deed' | 'lastsMs'>): string => {
  const seconds = `${(lastsMs / 1000).toFixed(1)} s`;
  switch (deed.group) {
    case 'kill':
      return kindOf(deed);
    case 'stop':
      return `${kindOf(deed)}${deed.whole ? ' and all it started' : ''} for ${seconds}`;
    case 'network': {
      const how =
        deed.effect === 'delay'
          ? ` of ${deed.amount} ms`
          : deed.effect === 'throttle'
            ? ` to ${deed.amount} kB/s`
            : '';
      return `${kindOf(deed)}${how} for ${seconds}`;
    }
    case 'disk': {
      const kill = deed.target === 'state' ? `, ${deed.kills} killed meanwhile` : '';
      return `${kindOf(deed)} for ${seconds}${kill}`;
    }
    case 'clock':
      return `${kindOf(deed)} ${deed.jumpMs > 0 ? '+' : ''}${deed.jumpMs / 1000} s for ${seconds}`;
  }
};
