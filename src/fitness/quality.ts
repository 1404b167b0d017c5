import type { EncoderObservation, SessionInfo } from '../domain';
import { clamp01 } from './terms';

/** So many late GOPs halve a session's quality. */
const LATE_GOPS_HALVING = 5;
/** A session that its peers outdo keeps at least this part of its quality: content differs between channels. */
const LEAST_AGAINST_PEERS = 0.5;
/** Sums of whole numbers do not depend on the order in which sessions come. */
const GRAINS = 1e6;

/** Sum and number of the pace of sessions, in whole grains. */
interface Pace {
  sum: number;
  count: number;
}

/** Media seconds per wall second that a session keeps up, beyond which more is no merit; less for late GOPs. */
const paceOf = (session: SessionInfo): number =>
  clamp01(session.realTimeRatio) * 2 ** (-Math.max(0, session.lateGops) / LATE_GOPS_HALVING);

const grainsOf = (session: SessionInfo): number => Math.round(paceOf(session) * GRAINS);

/** Sessions that have encoded a GOP; others have no quality yet. */
const judgedSessions = (encoder: EncoderObservation): SessionInfo[] =>
  encoder.reachable
    ? (encoder.telemetry?.sessions ?? []).filter((s) => s.state !== 'released' && s.lastEncodedGop >= 0)
    : [];

/** Sessions of one cost encode like content: the same pixels a second. */
const kindOf = (session: SessionInfo): number => session.units;

const enter = (paces: Map<number, Pace>, session: SessionInfo, sign: 1 | -1): void => {
  const pace = paces.get(kindOf(session));
  if (pace) {
    pace.sum += sign * grainsOf(session);
    pace.count += sign;
  } else {
    paces.set(kindOf(session), { sum: sign * grainsOf(session), count: sign });
  }
};

/** The paces of all encoders' sessions, by kind: what each encoder is compared with. */
export class Peers {
  private readonly paces = new Map<number, Pace>();

  /** @param sign 1: the encoder is there, -1: it is no more */
  add(encoder: EncoderObservation, sign: 1 | -1): void {
    for (const session of judgedSessions(encoder)) enter(this.paces, session, sign);
  }

  /**
   * How well an encoder's sessions keep up: mean over those that have encoded a GOP, each by its own pace times
   * that pace against the mean of other encoders' sessions on like content; 1 without any session.
   */
  qualityOf(encoder: EncoderObservation): number {
    const sessions = judgedSessions(encoder);
    if (sessions.length === 0) return 1;
    const own = new Map<number, Pace>();
    for (const session of sessions) enter(own, session, 1);
    let sum = 0;
    for (const session of sessions)
      sum += Math.round(paceOf(session) * this.againstPeers(session, own) * GRAINS);
    return clamp01(sum / (sessions.length * GRAINS));
  }

  private againstPeers(session: SessionInfo, own: ReadonlyMap<number, Pace>): number {
    const kind = kindOf(session);
    const all = this.paces.get(kind) as Pace;
    const mine = own.get(kind) as Pace;
    const peers = all.count - mine.count;
    const peersMean = peers > 0 ? (all.sum - mine.sum) / peers : 0;
    if (peersMean <= 0) return 1;
    return Math.max(LEAST_AGAINST_PEERS, Math.min(1, grainsOf(session) / peersMean));
  }
}
