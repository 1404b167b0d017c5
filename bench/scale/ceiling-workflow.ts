import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

interface Nothing {
  nothing(): Promise<void>;
}
const plain = proxyActivities<Nothing>({ startToCloseTimeout: '30 seconds' });
const local = proxyLocalActivities<Nothing>({ startToCloseTimeout: '30 seconds' });

/** As many activities as a handoff has, doing nothing. */
export async function bareActivities(activities: number, localActivities: number): Promise<void> {
  for (let i = 0; i < activities; i += 1) await plain.nothing();
  for (let i = 0; i < localActivities; i += 1) await local.nothing();
}
