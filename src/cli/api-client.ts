import { SwarmError } from '../domain';
import { anyAnswer, callJson, type CallInit } from '../contracts/call';

const READ_DEADLINE_MS = 10_000;
/** Longer than the API waits for a move, so that its answer is heard. */
const COMMAND_DEADLINE_MS = 100_000;
const PROBE_DEADLINE_MS = 2_000;

/** Speaks to the API of a running swarm. Every refusal is a SwarmError. */
export class ApiClient {
  constructor(readonly url: string) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>(path, { timeoutMs: READ_DEADLINE_MS });
  }

  post<T>(path: string, json: unknown = {}): Promise<T> {
    return this.call<T>(path, { method: 'POST', json, timeoutMs: COMMAND_DEADLINE_MS });
  }

  put<T>(path: string, json: unknown): Promise<T> {
    return this.call<T>(path, { method: 'PUT', json, timeoutMs: COMMAND_DEADLINE_MS });
  }

  delete(path: string): Promise<void> {
    return this.call<void>(path, { method: 'DELETE', timeoutMs: COMMAND_DEADLINE_MS });
  }

  private async call<T>(path: string, init: CallInit): Promise<T> {
    try {
      return (await callJson(`${this.url}/api${path}`, anyAnswer, init)) as T;
    } catch (error) {
      const mayBeSilent = error instanceof SwarmError && ['unavailable', 'timeout'].includes(error.code);
      if (!mayBeSilent || (await this.answers())) throw error;
      throw new SwarmError(
        'unavailable',
        `The swarm does not answer at ${this.url}.`,
        'Start it with npm start, or name its API with --api URL.',
      );
    }
  }

  /** Tells a silent API from one that says itself that something behind it is not there. */
  private answers(): Promise<boolean> {
    return callJson(`${this.url}/healthz`, anyAnswer, { timeoutMs: PROBE_DEADLINE_MS }).then(
      () => true,
      () => false,
    );
  }
}

/** An id as one segment of a path. */
export const segment = (id: string): string => encodeURIComponent(id);
