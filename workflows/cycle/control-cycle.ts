import { patched, workflowInfo } from '@temporalio/workflow';
import type { CycleResult } from '../../src/domain';
import { causeOf } from '../kit/failures';
import { planning } from '../kit/steps';
import type { ControlCycleInput, OlderCycleInput } from '../kit/types';
import { act } from './cycle-acts';
import { actOfForecast, nothingSeen, recordOf, recorded } from './cycle-record';
import { olderCycle } from './older-cycle';

/**
 * One control cycle: observe, forecast, judge, plan, act. Acting is asking: channel workflows accept a move or
 * refuse it, and none of them is waited for. The result is the record of the decision. Neither channels nor telemetry
 * pass through here: the record names the snapshot and the forecast that were planned from.
 */
export const controlCycle = async (input: ControlCycleInput | OlderCycleInput): Promise<CycleResult> => {
  if (!patched('snapshot-by-id')) return olderCycle(input as OlderCycleInput);
  const { workflowId } = workflowInfo();
  const startedAtMs = Date.now();
  const planned = await planning.planCycle
    .executeWithOptions({ summary: 'look at the swarm, fitness of each encoder, plan' }, [
      { cycleId: workflowId },
    ])
    .catch((error: unknown) => causeOf(error));
  if ('code' in planned) {
    return { ...recordOf(null), atMs: startedAtMs, ...nothingSeen(planned, input.lowDemandSinceMs) };
  }

  const { atMs, snapshot, forecast, fitness, plan, updates, unreachable, omitted } = planned;
  const acted = [...actOfForecast(forecast), ...(await act(input, planned))];
  const rest = { fitness, plan, acted, unreachable, updates, ...(omitted && { omitted }) };
  return recorded({ ...recordOf(forecast), atMs, snapshot, ...rest });
};
