import { SwarmError, renditionUnits, type BuildProbe, type EncoderBuild } from '../../domain';
import { differencesBetween } from '../../versions';
import { PROBE_CASES, type ProbeCase } from './probe-cases';

/** Below this a live channel falls behind. */
const MIN_REAL_TIME_RATIO = 1;

/** The smallest test that says anything: a host is never left untested, however little there is to spare. */
const SMALLEST_TEST_UNITS = Math.min(
  ...PROBE_CASES.flatMap(({ renditions, framesPerSecond }) =>
    renditions.map((rendition) => renditionUnits(rendition, framesPerSecond)),
  ),
);

/** As much of a case as there is room for. */
const fitted = (probeCase: ProbeCase, units: number): ProbeCase => {
  let free = units;
  const renditions = probeCase.renditions.filter((rendition) => {
    const units = renditionUnits(rendition, probeCase.framesPerSecond);
    if (units > free) return false;
    free -= units;
    return true;
  });
  return { ...probeCase, renditions };
};

/**
 * What a host is tested with, as much of each case as there is room for.
 * @param maxUnits encode units that the test may take, or those of the smallest rendition
 * @param capacityUnits encode units of the host
 */
export const selfTestCases = (maxUnits: number, capacityUnits: number): ProbeCase[] => {
  const units = Math.min(Math.max(maxUnits, SMALLEST_TEST_UNITS), capacityUnits);
  return PROBE_CASES.map((known) => fitted(known, units)).filter(({ renditions }) => renditions.length > 0);
};

const refuse = (encoderId: string, why: string, hint: string): SwarmError =>
  new SwarmError('encoder-incompatible', `${encoderId} fails its self-test: ${why}.`, hint);

/** @throws SwarmError encoder-incompatible where a host runs another build than the one that it is tested for */
export const requireDigest = (encoderId: string, digest: string, runs: string | undefined): void => {
  if (runs === digest) return;
  const other = runs ? `SHA-256 ${runs.slice(0, 12)}…` : 'an unknown build';
  throw refuse(encoderId, `it runs ${other}, not ${digest.slice(0, 12)}…`, 'Set its build again.');
};

/** @throws SwarmError encoder-full (nothing was tested), unavailable (too slow just now) */
export const requireSpeed = (encoderId: string, tested: readonly BuildProbe[]): void => {
  if (tested.every(({ facts }) => facts.length === 0)) {
    throw new SwarmError('encoder-full', `${encoderId} has no room for any reference clip.`);
  }
  const slowest = Math.min(...tested.map((probe) => probe.realTimeRatio));
  if (slowest >= MIN_REAL_TIME_RATIO) return;
  // An overload passes: this is asked again for a while, a difference is not.
  throw new SwarmError(
    'unavailable',
    `${encoderId} fails its self-test: it encodes at ${slowest.toFixed(2)} x real time.`,
    'See what else runs on its machine.',
  );
};

/**
 * A build that the catalogue has not probed is not compared.
 * @throws SwarmError encoder-incompatible where the host makes something else than the probe of its build
 */
export const requireSameFacts = (
  encoderId: string,
  tested: readonly BuildProbe[],
  build: Pick<EncoderBuild, 'probe'> | undefined,
): void => {
  const facts = tested.flatMap((probe) => probe.facts);
  const expected = build?.probe?.facts.filter((p) =>
    facts.some((f) => f.case === p.case && f.rendition === p.rendition),
  );
  const [difference] = expected ? differencesBetween(expected, facts) : [];
  if (difference === undefined) return;
  throw refuse(encoderId, `it differs from its probe: ${difference}`, 'Probe its build again.');
};
