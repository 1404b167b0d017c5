import type { Explanation, MoveRecord } from '../contracts/api';
import {
  SwarmError,
  channelWorkflowId,
  idSchema,
  type CycleResult,
  type MoveExplanation,
  type MoveResult,
} from '../domain';
import { recordOfResult, recordWithoutResult, type ListedMove } from './move-records';
import type { Orchestration, WorkflowRun } from './ports';
import * as story from './story';

/**
 * Says in words why a channel was moved and how it went, from Temporal's record of it.
 * @param subject channel id (its latest move, and its present state) or workflow id
 * @param plannedFrom what a cycle was planned from, in lines; none where that is not known
 * @throws SwarmError unknown-channel; not-found for a workflow that does not exist; unavailable
 */
export const explain = async (
  orchestration: Orchestration,
  subject: string,
  plannedFrom: (cycle: CycleResult) => Promise<string[]> = async () => [],
): Promise<Explanation> => {
  if (idSchema.safeParse(subject).success) return explainChannel(orchestration, subject);
  const run = await orchestration.run(subject);
  if (run.type === 'channel')
    return explainChannel(orchestration, subject.replace(channelWorkflowId(''), ''));
  const explanation = explainRun(subject, run);
  if (!isCycleResult(run.result)) return explanation;
  const lines = await plannedFrom(run.result);
  return lines.length === 0
    ? explanation
    : { ...explanation, sections: [...explanation.sections, { title: 'Planned from', lines }] };
};

const explainChannel = async (orchestration: Orchestration, channelId: string): Promise<Explanation> => {
  const [state, [latest]] = await Promise.all([
    orchestration.channelState(channelId).catch((error: unknown) => {
      // Without a worker the history can still be read.
      if (error instanceof SwarmError && error.code !== 'unknown-channel') return error;
      throw error;
    }),
    orchestration.moves({ limit: 1, channelId }),
  ]);
  const now =
    state instanceof SwarmError
      ? { title: 'Channel now', lines: [`its workflow can't be asked: ${state.message}`] }
      : story.sectionOfChannel(state);
  const workflowId =
    latest?.workflowId ?? (state instanceof SwarmError ? undefined : state.lastMove?.workflowId);
  if (!workflowId) {
    return {
      subject: channelId,
      kind: 'channel',
      headline: `${channelId} has not been moved yet.`,
      sections: [now],
      workflowId: null,
      runId: null,
      url: null,
      move: null,
      timeline: [],
    };
  }
  const explanation = explainRun(channelId, await orchestration.run(workflowId));
  return { ...explanation, kind: 'channel', sections: [...explanation.sections, now] };
};

const explainRun = (subject: string, run: WorkflowRun): Explanation => {
  const { workflowId, runId, url } = run;
  const common = { subject, workflowId, runId, url, timeline: run.steps };
  if (run.type === 'handoff' || run.type === 'recovery') {
    const result = isMoveResult(run.result) ? run.result : null;
    const move = moveRecordOf(run, result);
    return {
      ...common,
      kind: 'move',
      move,
      headline: story.headlineOfMove(move),
      sections: story.sectionsOfMove(
        move,
        result,
        result?.explanation ?? explanationIn(run.input),
        run.steps,
      ),
    };
  }
  if (isCycleResult(run.result)) {
    return {
      ...common,
      kind: 'cycle',
      move: null,
      headline: story.headlineOfCycle(run.result),
      sections: story.sectionsOfCycle(run.result),
    };
  }
  return {
    ...common,
    kind: 'workflow',
    move: null,
    headline: `${run.type} ${workflowId} is ${run.status.toLowerCase()}.`,
    sections: story.sectionsOfRun(run),
  };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isMoveResult = (value: unknown): value is MoveResult =>
  isObject(value) && typeof value.outcome === 'string' && Array.isArray(value.steps);

const isCycleResult = (value: unknown): value is CycleResult =>
  isObject(value) && isObject(value.plan) && Array.isArray(value.fitness) && Array.isArray(value.acted);

/** The request that a move was started with, wherever its workflow's input keeps it. */
const requestIn = (input: unknown): Record<string, unknown> =>
  isObject(input) ? (isObject(input.request) ? { ...input, ...input.request } : input) : {};

const explanationIn = (input: unknown): MoveExplanation | undefined => {
  const { explanation } = requestIn(input);
  return isObject(explanation) && typeof explanation.summary === 'string'
    ? (explanation as unknown as MoveExplanation)
    : undefined;
};

const moveRecordOf = (run: WorkflowRun, result: MoveResult | null): MoveRecord => {
  const request = requestIn(run.input);
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const listed: ListedMove = {
    workflowId: run.workflowId,
    runId: run.runId,
    type: run.type,
    running: run.status === 'RUNNING',
    startedAtMs: run.startedAtMs,
    closedAtMs: run.closedAtMs,
    channelId: text(request.channelId) ?? (isObject(request.spec) ? text(request.spec.id) : null),
    encoderId: text(request.toEncoderId),
    reason: text(request.reason),
  };
  return result ? recordOfResult(listed, run.url, result) : recordWithoutResult(listed, run.url, run.failure);
};
