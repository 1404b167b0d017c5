import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '10 seconds' });

/** As many activities as a handoff has up to its commit, doing nothing: what Temporal alone costs. */
export async function bareSaga(activities: number): Promise<void> {
  for (let i = 0; i < activities; i++) await nothing();
}
