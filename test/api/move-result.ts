import type { MoveRequest, MoveResult } from '../../src/domain';

let moveNumber = 0;

/** A handoff as the real workflow tells of it: asked for 9 s ago, committed after 182 ms. */
export const moveResult = (
  channelId: string,
  from: string | null,
  to: string | null,
  token: number,
  request: Pick<MoveRequest, 'reason'>,
  change: Partial<MoveResult> = {},
): MoveResult => {
  moveNumber += 1;
  const requestedAtMs = Date.now() - 9_000;
  return {
    channelId,
    workflowId: `handoff/${channelId}/${moveNumber}`,
    runId: `run-${moveNumber}`,
    reason: request.reason,
    outcome: 'completed',
    fromEncoderId: from,
    toEncoderId: to,
    ownerEncoderId: to,
    ownerSessionId: `${channelId}-${token}`,
    token,
    rungs: 1,
    firstGop: 301,
    requestedAtMs,
    preparedAtMs: requestedAtMs + 40,
    committedAtMs: requestedAtMs + 182,
    publishedAtMs: requestedAtMs + 1_900,
    releasedAtMs: requestedAtMs + 1_950,
    finishedAtMs: requestedAtMs + 1_980,
    overlapGops: 0.8,
    gapsDeclared: 0,
    steps: [
      { name: 'prepare target', startedAtMs: requestedAtMs + 10, finishedAtMs: requestedAtMs + 40, ok: true },
      {
        name: 'commit ownership',
        startedAtMs: requestedAtMs + 150,
        finishedAtMs: requestedAtMs + 182,
        ok: true,
      },
      {
        name: 'release source',
        startedAtMs: requestedAtMs + 1_900,
        finishedAtMs: requestedAtMs + 1_950,
        ok: true,
      },
    ],
    explanation: {
      summary: `${from} would reach 5.9 of 4.8 units at P90; ${to} has the highest fitness with room.`,
      forecastId: 'fc-1732300000',
      figures: { forecastP90Units: 5.9, limitUnits: 4.8 },
      fitness: { from: 0.41, to: 0.88 },
      rejected: [{ encoderId: 'enc-9', why: 'cordoned' }],
    },
    ...change,
  };
};
