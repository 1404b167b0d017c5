import { CancellationScope, condition } from '@temporalio/workflow';
import { upsertAttributes } from './attributes';
import { causeOf } from './failures';
import type { Story } from './story';

/** Time after which a compensation that has not finished is shown as unresolved; it keeps trying. */
const ALARM_AFTER = '10 seconds';

/** What undoes the steps of a saga. Each is registered before its step, and is harmless if the step did nothing. */
export class Compensations {
  private readonly registered: { name: string; run: () => Promise<void> }[] = [];
  /** True once a compensation has failed for good: a person has to look. */
  unresolved = false;

  constructor(private readonly story: Story) {}

  register(name: string, run: () => Promise<void>): void {
    this.registered.push({ name, run });
  }

  /** Undoes the latest step first. Not to be cancelled; one that fails does not stop the others. */
  unwind(): Promise<void> {
    return CancellationScope.nonCancellable(async () => {
      for (const { name, run } of this.registered.splice(0).reverse()) {
        const ended = run().catch((error: unknown) => {
          this.unresolved = true;
          this.story.say(`**unresolved: ${name}** ${causeOf(error).message}`);
        });
        await this.alarmUnless(ended, name);
      }
    });
  }

  private async alarmUnless(ended: Promise<void>, name: string): Promise<void> {
    let over = false;
    const done = ended.then(() => {
      over = true;
    });
    const inTime = await condition(() => over, ALARM_AFTER, { summary: `alarm unless ${name} is done` });
    if (!inTime) {
      this.story.say(`**unresolved: ${name}** keeps trying`);
      upsertAttributes({ outcome: 'unresolved' });
    }
    await done;
  }
}
