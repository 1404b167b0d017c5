import { log } from '@temporalio/workflow';
import type { EncoderLost, SessionFailed } from '../../src/domain';
import { causeOf } from '../kit/failures';
import { threeTries60s, twoTries4s } from '../kit/steps';

/** Has every channel of a lost encoder recover. @returns false where that could not be asked for */
export const recoverChannelsOf = async ({ encoderId, evidence, atMs }: EncoderLost): Promise<boolean> => {
  try {
    const answers = await threeTries60s.recoverChannelsOf.executeWithOptions(
      { summary: `${encoderId} is lost: recover its channels side by side` },
      [{ encoderId, evidence, atMs }],
    );
    log.info('encoder lost', { encoderId, answers });
  } catch (error) {
    log.error('recovery could not be asked for', { encoderId, cause: causeOf(error).message });
    return false;
  }
  return true;
};

/** The same of one channel whose session failed. */
export const recoverSession = async (failed: SessionFailed): Promise<boolean> => {
  const { channelId, encoderId, sessionId, code, message, atMs } = failed;
  try {
    await twoTries4s.requestRecovery.executeWithOptions({ summary: `${channelId} lost its session` }, [
      {
        channelId,
        request: {
          requestId: `failed-${sessionId}`,
          reason: 'session-failed',
          lostEncoderId: encoderId,
          lostSessionId: sessionId,
          evidence: `${code}: ${message}`,
          requestedAtMs: atMs,
        },
      },
    ]);
  } catch (error) {
    log.error('recovery could not be asked for', { channelId, cause: causeOf(error).message });
    return false;
  }
  return true;
};
