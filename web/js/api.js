/** A refusal of the API, with what to do about it. */
export class Refusal extends Error {
  /** @param {{ code: string, message: string, hint?: string | undefined }} refused */
  constructor({ message, hint, code }) {
    super(message);
    this.hint = hint;
    this.code = code;
  }
}

/** @type {(() => void) | undefined} */
let loggedOut;

/**
 * From now on, calls this when the API does not know who asks any more.
 * @param {() => void} listener
 */
export const onLoggedOut = (listener) => {
  loggedOut = listener;
};

/**
 * Calls the API; throws a Refusal that says cause and hint.
 * @template {'GET' | 'POST' | 'DELETE'} M
 * @template {string} P
 * @param {M} method
 * @param {[import('../../src/contracts/api').OperationAt<M, P>] extends [never] ? never : P} path
 * @param {import('../../src/contracts/api').BodyAt<M, P>} [body]
 * @returns {Promise<import('../../src/contracts/api').AnswerAt<M, P>>}
 */
export const call = async (method, path, body) => {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(`api${path}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
  } catch {
    throw new Refusal({
      code: 'unavailable',
      message: 'The swarm does not answer.',
      hint: 'Look whether it runs; start it with npm start.',
    });
  }
  if (response.status === 204) return /** @type {any} */ (null);
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  if (answer?.error?.code === 'unauthenticated') loggedOut?.();
  throw new Refusal(answer?.error ?? { code: 'internal', message: `The API answered ${response.status}.` });
};

/**
 * Listens to the swarm. Calls onStatus each second while it answers, and onSilence(lastAtMs) when it does not.
 * @param {{
 *   onStatus(status: import('../../src/contracts/api').Status): void,
 *   onSilence(lastAtMs: number | null): void,
 * }} listener
 */
export const listen = ({ onStatus, onSilence }) => {
  const patienceMs = 4_000;
  /** @type {number | null} */
  let lastAtMs = null;
  let heardAtMs = Date.now();
  const events = new window.EventSource('api/status/stream');
  events.addEventListener('status', ({ data }) => {
    heardAtMs = Date.now();
    lastAtMs = heardAtMs;
    onStatus(JSON.parse(data));
  });
  setInterval(() => {
    if (Date.now() - heardAtMs > patienceMs) onSilence(lastAtMs);
  }, 1_000);
};
