import { SwarmError } from '../../src/domain';

/** What a refused call says: its code, its sentence, what to do about it, and the figures that go with it. */
export interface Refusal {
  code: string;
  message: string;
  hint: string;
  details: Record<string, unknown> | undefined;
}

/** The refusal of a call that must be refused with a SwarmError; any other end of the call fails the test. */
export const refusalFrom = (call: () => unknown): Refusal => {
  try {
    call();
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error;
    const { code, message, hint, details } = error;
    return { code, message, hint: hint ?? '', details };
  }
  throw new Error('The call was not refused.');
};
