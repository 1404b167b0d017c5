import { explain } from '../../src/api/explain';
import { nameInWords } from '../../src/api/story';
import { SwarmError, type CycleResult } from '../../src/domain';
import { FakeSwarm } from './fake-swarm';
import { moveResult } from './move-result';

const linesOf = (told: { sections: { title: string; lines: string[] }[] }, title: string): string[] =>
  told.sections.find((s) => s.title === title)?.lines ?? [];

test('names of figures read as words', () => {
  expect(nameInWords('forecastP90Units')).toBe('forecast P90 units');
  expect(nameInWords('limit_units')).toBe('limit units');
});

test('a handoff: why, alternatives, steps with times, outcome, link', async () => {
  const swarm = new FakeSwarm();
  const result = moveResult('ch-1', 'enc-1', 'enc-2', 5, { reason: 'predicted-overload' });
  swarm.remember(result);
  const told = await explain(swarm.ports().orchestration, result.workflowId);
  expect(told.kind).toBe('move');
  expect(told.headline).toBe(
    'ch-1 moved: enc-1 to enc-2, because its encoder was forecast to cross its limit.',
  );
  expect(linesOf(told, 'Why')).toEqual([
    'enc-1 would reach 5.9 of 4.8 units at P90; enc-2 has the highest fitness with room.',
    'forecast P90 units: 5.9',
    'limit units: 4.8',
    'forecast: fc-1732300000',
    'fitness of the source: 0.41',
    'fitness of the target: 0.88',
  ]);
  expect(linesOf(told, 'Alternatives rejected')).toEqual(['enc-9: cordoned']);
  expect(linesOf(told, 'Steps')[1]).toBe('+0.150 s  commit ownership (32 ms)');
  expect(linesOf(told, 'Compensation')).toEqual([]);
  expect(linesOf(told, 'Outcome')).toEqual([
    'completed',
    'owner now: enc-2, fencing token 5',
    'first GOP of the new owner: 301',
    'request to commit: 182 ms',
    'both encoders worked for 0.8 GOPs',
  ]);
  expect(told.url).toContain('/workflows/handoff%2Fch-1%2F');
});

test('a handoff that was undone names the failed step and the compensation', async () => {
  const swarm = new FakeSwarm();
  const at = Date.now();
  const result = moveResult(
    'ch-1',
    'enc-1',
    'enc-2',
    5,
    { reason: 'operator' },
    {
      outcome: 'compensated',
      committedAtMs: null,
      firstGop: null,
      overlapGops: null,
      ownerEncoderId: 'enc-1',
      failure: { code: 'session-failed', message: 'The session on enc-2 failed.' },
      steps: [
        {
          name: 'prepareTarget',
          startedAtMs: at,
          finishedAtMs: at + 5,
          ok: false,
          note: 'The session on enc-2 failed.',
        },
        { name: 'abortTarget', startedAtMs: at + 6, finishedAtMs: at + 9, ok: true },
      ],
    },
  );
  swarm.remember(result);
  const told = await explain(swarm.ports().orchestration, result.workflowId);
  expect(told.headline).toContain('a step failed, and what had been done was undone');
  expect(linesOf(told, 'Steps')[0]).toContain('prepare target (5 ms, FAILED): The session on enc-2 failed.');
  expect(linesOf(told, 'Compensation')).toEqual(['abort target: done']);
  expect(linesOf(told, 'Outcome')).toContain('failure: The session on enc-2 failed. (session-failed)');
});

test('a channel: its latest move, and its state now', async () => {
  const swarm = new FakeSwarm();
  swarm.remember(moveResult('ch-1', 'enc-1', 'enc-3', 2, { reason: 'operator' }));
  const latest = moveResult(
    'ch-1',
    'enc-3',
    'enc-2',
    3,
    { reason: 'encoder-lost' },
    { outcome: 'recovered' },
  );
  swarm.remember(latest, 'recovery');
  swarm.remember(moveResult('ch-2', 'enc-1', 'enc-3', 2, { reason: 'operator' }));
  const told = await explain(swarm.ports().orchestration, 'ch-1');
  expect(told).toMatchObject({ kind: 'channel', subject: 'ch-1', workflowId: latest.workflowId });
  expect(told.headline).toBe('ch-1 was recovered: enc-3 to enc-2, because its encoder was lost.');
  expect(linesOf(told, 'Channel now')[0]).toContain('ch-1 is on-air on enc-1');
});

test('a channel that was never moved, and one that does not exist', async () => {
  const { orchestration } = new FakeSwarm().ports();
  expect(await explain(orchestration, 'ch-3')).toMatchObject({
    headline: 'ch-3 has not been moved yet.',
    url: null,
  });
  await expect(explain(orchestration, 'ch-77')).rejects.toMatchObject({ code: 'unknown-channel' });
});

test('without a worker the latest move is told all the same', async () => {
  const swarm = new FakeSwarm();
  swarm.remember(moveResult('ch-1', 'enc-1', 'enc-3', 2, { reason: 'operator' }));
  const { orchestration } = swarm.ports();
  orchestration.channelState = async () => {
    throw new SwarmError('unavailable', 'No worker serves the workflows now.');
  };
  const told = await explain(orchestration, 'ch-1');
  expect(told.headline).toContain('ch-1 moved: enc-1 to enc-3');
  expect(linesOf(told, 'Channel now')[0]).toContain('No worker serves');
});

test('a move under way tells from its input and its history', async () => {
  const swarm = new FakeSwarm();
  const at = Date.now();
  swarm.runs.set('handoff/ch-1/9', {
    workflowId: 'handoff/ch-1/9',
    runId: 'r',
    url: 'http://ui/9',
    type: 'handoff',
    status: 'RUNNING',
    startedAtMs: at,
    closedAtMs: null,
    input: {
      spec: { id: 'ch-1' },
      request: {
        reason: 'drain',
        toEncoderId: 'enc-2',
        explanation: { summary: 'enc-1 is drained.', figures: {}, rejected: [] },
      },
    },
    result: undefined,
    failure: null,
    steps: [
      {
        name: 'enc-2 encodes along',
        startedAtMs: at + 20,
        finishedAtMs: null,
        attempts: 3,
        ok: null,
        note: 'last attempt: full',
      },
    ],
  });
  const told = await explain(swarm.ports().orchestration, 'handoff/ch-1/9');
  expect(told.headline).toBe('ch-1 is being moved to enc-2, because its encoder is being drained.');
  expect(linesOf(told, 'Why')).toEqual(['enc-1 is drained.']);
  expect(linesOf(told, 'Steps')).toEqual([
    '+0.020 s  enc-2 encodes along (under way, 3 attempts): last attempt: full',
  ]);
  expect(linesOf(told, 'Outcome')).toEqual(['still under way']);
});

test('a control cycle: forecast, fitness, what was decided, what became of it', async () => {
  const swarm = new FakeSwarm();
  const state = await swarm.ports().orchestration.swarmState();
  const cycle: CycleResult = {
    ...state.lastCycle!,
    plan: {
      moves: [
        {
          channelId: 'ch-1',
          fromEncoderId: 'enc-1',
          toEncoderId: 'enc-2',
          rungs: 2,
          reason: 'predicted-overload',
          explanation: {
            summary: 'P90 5.9 over 4.8.',
            figures: {},
            rejected: [{ encoderId: 'enc-3', why: 'full' }],
          },
        },
      ],
      scale: { kind: 'provision', count: 1, reason: 'demand above capacity', figures: { demandUnits: 19.4 } },
      unmet: [{ channelId: 'ch-4', why: 'no room' }],
      lowDemandSinceMs: null,
    },
    acted: [{ what: 'move ch-1', accepted: false, why: 'move-in-progress' }],
    unreachable: ['enc-4'],
  };
  swarm.runs.set('cycle/local/118', {
    ...{
      workflowId: 'cycle/local/118',
      runId: 'r',
      url: 'http://ui',
      type: 'controlCycle',
      status: 'COMPLETED',
    },
    ...{ startedAtMs: 1, closedAtMs: 2, input: {}, result: cycle, failure: null, steps: [] },
  });
  const told = await explain(swarm.ports().orchestration, 'cycle/local/118');
  expect(told.kind).toBe('cycle');
  expect(told.headline).toContain('decided: 1 move, provision.');
  expect(linesOf(told, 'Fitness')[0]).toBe('enc-1: 0.52, weakest in headroom (0.3)');
  expect(linesOf(told, 'Moves decided')).toEqual([
    'ch-1: enc-1 to enc-2, because its encoder was forecast to cross its limit: P90 5.9 over 4.8.',
    '  not enc-3: full',
  ]);
  expect(linesOf(told, 'Scale')).toEqual(['provision: demand above capacity', 'demand units: 19.4']);
  expect(linesOf(told, 'Acted')).toEqual(['move ch-1: refused, move-in-progress']);
  expect(linesOf(told, 'Did not answer')).toEqual(['enc-4']);
});
