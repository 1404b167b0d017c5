import type { Explanation, MoveRecord, RunStep } from '../contracts/api';
import {
  unmetInWords,
  actWasNotNeeded,
  wasNotNeeded,
  type ChannelWorkflowState,
  type CycleResult,
  type MoveExplanation,
  type MoveReason,
  type MoveResult,
} from '../domain';
import type { WorkflowRun } from './ports';

/** Turns moves, cycles and channels into sentences. Pure. */

type Section = Explanation['sections'][number];

const reasonText: Record<MoveReason, string> = {
  'predicted-overload': 'its encoder was forecast to cross its limit',
  consolidation: 'demand is low and fewer encoders can carry it',
  placement: 'it must not stay where it was: a pin, its region or its redundancy group',
  'make-room': 'another channel needed its place',
  drain: 'its encoder is being drained',
  canary: 'a new build is tried on it',
  operator: 'an operator asked for it',
  ladder: 'its audience asks for another ladder',
  recycle: 'its session was due to be renewed',
  'encoder-lost': 'its encoder was lost',
  'session-failed': 'its encode session failed',
  start: 'it had no encoder yet',
};

const becauseOf = (reason: string | null): string =>
  reason !== null && reason in reasonText
    ? reasonText[reason as MoveReason]
    : `of "${reason ?? 'an unknown reason'}"`;

/** `forecastP90Units` reads as "forecast P90 units". */
export const nameInWords = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .split(' ')
    .map((word) => (/^P\d+$/i.test(word) ? word.toUpperCase() : word.toLowerCase()))
    .join(' ');

const rounded = (value: number): string => String(Number(value.toFixed(Math.abs(value) >= 100 ? 0 : 2)));
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 23);
const section = (title: string, lines: string[]): Section[] => (lines.length ? [{ title, lines }] : []);

export const headlineOfMove = (move: MoveRecord): string => {
  const { channelId, fromEncoderId: from, toEncoderId: to } = move;
  const what = `${channelId ?? 'the channel'}`;
  const because = becauseOf(move.reason);
  const path =
    from === to && from !== null
      ? `a new session on ${from}`
      : `${from ? `${from} to ` : ''}${to ?? 'another encoder'}`;
  switch (move.outcome) {
    case 'running':
      return `${what} is being moved${to ? ` to ${to}` : ''}, because ${because}.`;
    case 'completed':
    case 'recovered':
      return `${what} ${move.kind === 'recovery' ? 'was recovered' : 'moved'}: ${path}, because ${because}.`;
    case 'compensated':
      return `${what} was to move (${path}), because ${because}; a step failed, and what had been done was undone.`;
    case 'refused':
      if (wasNotNeeded(move)) return `${what} needed no recovery: it had another owner already.`;
      return `A move of ${what} (${path}) was refused.`;
    case 'unresolved':
      return `A move of ${what} (${path}) could not be finished or undone: it needs an operator.`;
    default:
      return `A move of ${what} (${path}) failed.`;
  }
};

export const sectionsOfMove = (
  record: MoveRecord,
  result: MoveResult | null,
  explanation: MoveExplanation | undefined,
  steps: readonly RunStep[],
): Section[] => [
  ...section('Why', whyLines(record, explanation)),
  ...section(
    'Alternatives rejected',
    (explanation?.rejected ?? []).map((r) => `${r.encoderId}: ${r.why}`),
  ),
  ...section('Steps', stepLines(record.requestedAtMs, result, steps)),
  ...section('Compensation', compensationLines(record, result)),
  ...section('Outcome', outcomeLines(record, result)),
];

const whyLines = (record: MoveRecord, explanation: MoveExplanation | undefined): string[] => {
  if (!explanation) return [`Because ${becauseOf(record.reason)}.`];
  const { summary, figures, forecastId, fitness } = explanation;
  const { from, to } = fitness ?? {};
  return [
    summary,
    ...Object.entries(figures).map(([name, value]) => `${nameInWords(name)}: ${rounded(value)}`),
    ...(forecastId ? [`forecast: ${forecastId}`] : []),
    ...(from !== undefined ? [`fitness of the source: ${rounded(from)}`] : []),
    ...(to !== undefined ? [`fitness of the target: ${rounded(to)}`] : []),
  ];
};

const stepLine = (originMs: number, step: RunStep): string => {
  const after = `+${((step.startedAtMs - originMs) / 1000).toFixed(3)} s`;
  const took =
    step.finishedAtMs === null ? 'under way' : `${Math.round(step.finishedAtMs - step.startedAtMs)} ms`;
  const failed = step.ok === false ? ', FAILED' : '';
  const attempts = step.attempts > 1 ? `, ${step.attempts} attempts` : '';
  return `${after}  ${step.name} (${took}${attempts}${failed})${step.note ? `: ${step.note}` : ''}`;
};

/** The workflow's own account where there is one, else what the history shows. */
const stepLines = (originMs: number, result: MoveResult | null, steps: readonly RunStep[]): string[] =>
  result?.steps.length
    ? result.steps.map((step) => stepLine(originMs, { ...step, name: nameInWords(step.name), attempts: 1 }))
    : steps.map((step) => stepLine(originMs, step));

const compensationLines = (record: MoveRecord, result: MoveResult | null): string[] => {
  const failedAt = result?.steps.findIndex((step) => !step.ok) ?? -1;
  if (!result || failedAt < 0 || record.outcome === 'running') return [];
  const undone = result.steps
    .slice(failedAt + 1)
    .map(
      (step) =>
        `${nameInWords(step.name)}: ${step.ok ? 'done' : 'failed'}${step.note ? `, ${step.note}` : ''}`,
    );
  return undone.length ? undone : ['nothing had to be undone'];
};

const outcomeLines = (record: MoveRecord, result: MoveResult | null): string[] => {
  if (record.outcome === 'running') return ['still under way'];
  const { requestToCommitMs, overlapGops, firstGop, gapsDeclared, failure } = record;
  return [
    record.outcome,
    ...(result?.ownerEncoderId ? [`owner now: ${result.ownerEncoderId}, fencing token ${result.token}`] : []),
    ...(firstGop !== null ? [`first GOP of the new owner: ${firstGop}`] : []),
    ...(requestToCommitMs !== null ? [`request to commit: ${Math.round(requestToCommitMs)} ms`] : []),
    ...(overlapGops !== null ? [`both encoders worked for ${rounded(overlapGops)} GOPs`] : []),
    ...(gapsDeclared ? [`GOPs declared as gap: ${gapsDeclared}`] : []),
    ...(failure ? [`failure: ${failure.message} (${failure.code})`] : []),
  ];
};

export const sectionOfChannel = (state: ChannelWorkflowState): Section => ({
  title: 'Channel now',
  lines: [
    `${state.spec.id} is ${state.status}${state.ownerEncoderId ? ` on ${state.ownerEncoderId}` : ''}, fencing token ${state.token}, ` +
      `${state.rungs} of ${state.spec.ladder.length} rungs, ${state.moves} moves so far`,
    ...(state.detail ? [state.detail] : []),
  ],
});

export const headlineOfCycle = (cycle: CycleResult): string => {
  const { moves, scale } = cycle.plan;
  const decided = [
    ...(moves.length ? [`${moves.length} ${moves.length === 1 ? 'move' : 'moves'}`] : []),
    ...(scale.kind === 'none' ? [] : [scale.kind]),
  ];
  return `The control cycle of ${clock(cycle.atMs)} decided: ${decided.join(', ') || 'to leave everything as it is'}.`;
};

export const sectionsOfCycle = (cycle: CycleResult): Section[] => [
  ...section('Forecast', [
    cycle.forecastId
      ? `${cycle.forecastId}, model ${cycle.forecastModel ?? 'unknown'}`
      : 'none was available',
  ]),
  ...section(
    'Fitness',
    cycle.fitness.map((f) => {
      const weakest = f.terms[f.weakestTerm];
      return `${f.encoderId}: ${rounded(f.score)}, weakest in ${f.weakestTerm} (${rounded(weakest)})`;
    }),
  ),
  ...section(
    'Moves decided',
    cycle.plan.moves.flatMap((m) => [
      `${m.channelId}: ${m.fromEncoderId === null ? '' : `${m.fromEncoderId} `}to ${m.toEncoderId}, because ${becauseOf(m.reason)}: ${m.explanation.summary}`,
      ...m.explanation.rejected.map((r) => `  not ${r.encoderId}: ${r.why}`),
    ]),
  ),
  ...section(
    'Scale',
    cycle.plan.scale.kind === 'none'
      ? []
      : [
          `${cycle.plan.scale.kind}: ${cycle.plan.scale.reason}`,
          ...Object.entries(cycle.plan.scale.figures).map(([k, v]) => `${nameInWords(k)}: ${rounded(v)}`),
        ],
  ),
  ...section('Not met', cycle.plan.unmet.map(unmetInWords)),
  ...section(
    'Acted',
    cycle.acted.map(
      (a) =>
        `${a.what}: ${a.accepted ? 'accepted' : actWasNotNeeded(a) ? 'not needed any more' : `refused, ${a.why ?? 'no reason given'}`}`,
    ),
  ),
  ...section('Did not answer', cycle.unreachable),
];

export const sectionsOfRun = (run: WorkflowRun): Section[] => [
  ...section(
    'Steps',
    run.steps.slice(-40).map((step) => stepLine(run.startedAtMs, step)),
  ),
  ...section('Outcome', [
    run.failure ? `${run.status.toLowerCase()}: ${run.failure}` : run.status.toLowerCase(),
  ]),
];
