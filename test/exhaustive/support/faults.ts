import { faultKinds, type Fault, type FaultKind, type Step } from './network-model';

/** A fault, and how many (itself included) have exactly its effect, and so need no run of their own. */
export interface DistinctFault extends Fault {
  standsFor: number;
}

/** The kind whose effect on this step is the same, or null where it is that of no fault at all. */
export const sameAs = (kind: FaultKind, { isRead, isInstant, hasChanged }: Step): FaultKind | null => {
  // A write does something each time it arrives.
  if (!isRead) return kind;
  switch (kind) {
    // Whether, and when, a question reached a part changes nothing there; its asker hears nothing in either case.
    case 'lost-reply':
    case 'late':
      return 'lost-request';
    // The same, at the same moment, if the answer took no time.
    case 'crash-after':
      return isInstant ? 'crash-before' : kind;
    case 'worker-killed-after':
      return isInstant ? 'worker-killed-before' : kind;
    case 'duplicate':
      return isInstant ? null : kind;
    case 'stale-reply':
      return isInstant && !hasChanged ? null : kind;
    default:
      return kind;
  }
};

const kindsFor = ({ isRead }: Step): readonly FaultKind[] =>
  faultKinds.filter((kind) => kind !== 'stale-reply' || isRead);

/** Every fault that can be put on the steps of a run, except stale answers to calls that read nothing. */
export const faultsOn = (steps: readonly Step[], afterStep = 0): Fault[] =>
  steps
    .filter(({ number }) => number > afterStep)
    .flatMap((step) => kindsFor(step).map((kind): Fault => ({ step: step.number, kind })));

/**
 * The same, without those that can be told to have the effect of another one, or none. `test/exhaustive/same-faults`
 * runs what is left out here and compares.
 */
export const distinctFaultsOn = (
  steps: readonly Step[],
  afterStep = 0,
): { distinct: DistinctFault[]; harmless: Fault[] } => {
  const distinct = new Map<string, DistinctFault>();
  const harmless: Fault[] = [];
  for (const fault of faultsOn(steps, afterStep)) {
    const same = sameFault(fault, steps, afterStep);
    if (same === null) {
      harmless.push(fault);
      continue;
    }
    const known = distinct.get(named([same]));
    if (known) known.standsFor += 1;
    else distinct.set(named([same]), { ...same, standsFor: 1 });
  }
  return { distinct: [...distinct.values()], harmless };
};

/** The fault that stands for this one, maybe itself; null where it has no effect. */
export const sameFault = (
  { step: number, kind }: Fault,
  steps: readonly Step[],
  afterStep = 0,
): Fault | null => {
  const step = steps[number - 1] as Step;
  const same = sameAs(kind, step);
  if (same === null) return null;
  return { step: twinOf(same, step, steps, afterStep), kind: same };
};

/**
 * A host is asked what it is and what it does at the same moment, and both answers count or none (EncoderReadings.combined):
 * whichever is missing, it is silent.
 */
const twinOf = (kind: FaultKind, step: Step, steps: readonly Step[], afterStep: number): number => {
  const before = steps[step.number - 2];
  const isTwin =
    before !== undefined &&
    before.number > afterStep &&
    before.atMs === step.atMs &&
    before.isInstant &&
    step.isInstant &&
    kind !== 'stale-reply' &&
    before.what.endsWith(' describe') &&
    step.what === before.what.replace(/describe$/, 'telemetry');
  return isTwin ? before.number : step.number;
};

/** Such as "9:lost-reply,11:crash-after". */
export const named = (faults: readonly Fault[]): string =>
  faults.map(({ step, kind }) => `${step}:${kind}`).join(',');

/** Faults as `named` writes them. */
export const parseFaults = (text: string): Fault[] =>
  text.split(',').map((part) => {
    const [step, kind] = part.split(':');
    if (!faultKinds.includes(kind as FaultKind))
      throw new Error(`${part} is no fault; kinds: ${faultKinds.join(', ')}`);
    return { step: Number(step), kind: kind as FaultKind };
  });
