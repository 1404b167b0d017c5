import type { MoveOutcome, Owner } from '../../src/domain';
import { auditFence, type AuditedEntry } from '../lib/fence-audit';
import type { AcceptedPut, Commit } from './stand-in/contract';

/** The answer to one request for a handoff. `workflowId`: null where the channel refused before it began one. */
export interface Answer {
  outcome: MoveOutcome;
  workflowId: string | null;
  code: string | null;
  message: string | null;
}

/** A handoff as it was requested, once or twice under the same id, and all answers that came. */
export interface RequestRecord {
  requestId: string;
  channelId: string;
  asked: number;
  answers: Answer[];
}

/** A handoff or recovery workflow as Temporal lists it at the end. */
export interface SagaRecord {
  workflowId: string;
  type: string;
  status: string;
  /** Search attributes. */
  reason: string | null;
  outcome: string | null;
}

/** A channel at the end, as each part that knows it describes it. */
export interface ChannelRecord {
  id: string;
  ledger: AuditedEntry[];
  nextGop: number;
  lastSealedGop: number;
  ownerAtOrigin: Owner | null;
  ownerAtWorkflow: Owner | null;
  /** Sessions of any encoder that are neither failed nor released. */
  activeSessionIds: string[];
}

export interface StormFacts {
  requests: RequestRecord[];
  sagas: SagaRecord[];
  channels: ChannelRecord[];
  accepted: AcceptedPut[];
  commits: Commit[];
}

/** One sentence per fault. */
export interface Judgement {
  /** Two sessions that published, or were committed, where one may. */
  doubleOwners: string[];
  /** Handoffs that nobody answered for, or that did not end, or were carried out twice. */
  lostSagas: string[];
  /** Everything else that must hold once a storm is over. */
  leftovers: string[];
}

/** GOPs that a channel on air may be behind its input. */
const MOST_GOPS_BEHIND = 3;

/** Judges a storm by what its parts say independently of each other. Pure. */
export const judgeStorm = (facts: StormFacts): Judgement => ({
  doubleOwners: [...facts.channels.flatMap(({ id, ledger }) => auditFence(id, ledger)), ...doubles(facts)],
  lostSagas: [...unanswered(facts.requests), ...unended(facts.sagas), ...carriedOutTwice(facts)],
  leftovers: facts.channels.flatMap(leftOver),
});

const doubles = ({ accepted, commits }: StormFacts): string[] => [
  ...shared(
    accepted,
    (put) => `${put.channelId}: GOP ${put.gop} was accepted`,
    (put) => put.sessionId,
  ),
  ...shared(
    commits,
    (commit) => `${commit.channelId}: token ${commit.token} was given`,
    (commit) => commit.sessionId,
  ),
];

/** What should have one owner and has more. */
const shared = <T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  ownerOf: (item: T) => string,
): string[] => {
  const owners = new Map<string, Set<string>>();
  for (const item of items) {
    const key = keyOf(item);
    const known = owners.get(key) ?? new Set<string>();
    owners.set(key, known.add(ownerOf(item)));
  }
  return [...owners]
    .filter(([, of]) => of.size > 1)
    .map(([what, of]) => `${what} to ${[...of].join(' and ')}`);
};

const unanswered = (requests: readonly RequestRecord[]): string[] =>
  requests.flatMap(({ requestId, channelId, asked, answers }) => {
    const name = `${requestId} of ${channelId}`;
    if (answers.length < asked) return [`${name}: ${answers.length} of ${asked} attempts were answered`];
    const different = new Set(answers.map((a) => `${a.outcome} ${a.workflowId ?? a.code}`));
    if (different.size > 1) return [`${name}: was answered differently: ${[...different].join('; ')}`];
    return answers[0]?.outcome === 'unresolved' ? [`${name}: ended unresolved`] : [];
  });

const unended = (sagas: readonly SagaRecord[]): string[] =>
  sagas.flatMap(({ workflowId, status, outcome }) => {
    if (status !== 'COMPLETED') return [`${workflowId} is ${status.toLowerCase()}`];
    return outcome === 'unresolved' || outcome === null ? [`${workflowId} shows outcome ${outcome}`] : [];
  });

/** Each handoff workflow answers for one request, and each answer names a workflow that there is. */
const carriedOutTwice = ({ requests, sagas }: StormFacts): string[] => {
  const handoffs = sagas.filter((saga) => saga.type === 'handoff' && saga.reason === 'operator');
  const requestOf = new Map<string, string>();
  const faults: string[] = [];
  for (const { requestId, answers } of requests) {
    const workflowId = answers[0]?.workflowId;
    if (!workflowId) continue;
    const other = requestOf.get(workflowId);
    if (other !== undefined) faults.push(`${workflowId} answers for ${other} and for ${requestId}`);
    requestOf.set(workflowId, requestId);
  }
  const listed = new Set(handoffs.map((saga) => saga.workflowId));
  for (const workflowId of requestOf.keys()) {
    if (!listed.has(workflowId)) faults.push(`${workflowId} was answered for, and is not in Temporal`);
  }
  for (const { workflowId } of handoffs) {
    if (!requestOf.has(workflowId)) faults.push(`${workflowId} ran, and no request was answered with it`);
  }
  return faults;
};

const leftOver = (channel: ChannelRecord): string[] => {
  const { id, nextGop, lastSealedGop, ownerAtOrigin, ownerAtWorkflow, activeSessionIds, ledger } = channel;
  const faults: string[] = [];
  const behind = lastSealedGop + 1 - nextGop;
  if (behind > MOST_GOPS_BEHIND) faults.push(`${id} is off air, ${behind} GOPs behind its input`);
  if (ownerAtOrigin?.sessionId !== ownerAtWorkflow?.sessionId) {
    faults.push(
      `${id}: the origin's owner is ${ownerAtOrigin?.sessionId}, its workflow's ${ownerAtWorkflow?.sessionId}`,
    );
  }
  for (const sessionId of activeSessionIds) {
    if (sessionId !== ownerAtOrigin?.sessionId) faults.push(`${id}: session ${sessionId} is left over`);
  }
  const gaps = ledger.filter((entry) => entry.gapReason !== undefined).length;
  if (gaps > 0) faults.push(`${id}: ${gaps} GOPs were given up that the relay had`);
  return faults;
};
