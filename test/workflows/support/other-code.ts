import { sleep } from '@temporalio/workflow';

/** A drain as some other version of the code might have done it. */
export const drainEncoder = async (): Promise<string> => {
  await sleep('10 milliseconds');
  return 'done otherwise';
};
