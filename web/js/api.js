/** A refusal of the API, with what to do about it. */
export class Refusal extends Error {
  constructor({ message, hint, code }) {
    super(message);
    this.hint = hint;
    this.code = code;
  }
}

/** Calls the API; throws a Refusal that says cause and hint. */
export const call = async (method, path, body) => {
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
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new Refusal(answer?.error ?? { code: 'internal', message: `The API answered ${response.status}.` });
};

/**
 * Listens to the swarm. Calls onStatus each second while it answers, and onSilence(lastAtMs) when it does not.
 */
export const listen = ({ onStatus, onSilence }) => {
  const patienceMs = 4_000;
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
