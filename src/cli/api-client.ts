import type { Answer, RequestOf, Operation } from '../contracts/api';
import { callApi } from '../contracts/api/client';
import { anyAnswer, callJson } from '../contracts/call';
import { SwarmError } from '../domain';
import { withTokenHint } from './token';

const READ_DEADLINE_MS = 10_000;
/** Longer than the API waits for a move, so that its answer arrives. */
const COMMAND_DEADLINE_MS = 100_000;
const PROBE_DEADLINE_MS = 2_000;

/** Speaks to the API of a running swarm. Every refusal is a SwarmError. */
export class ApiClient {
  /** @param token what is shown to it, asked for once and only when it is needed */
  constructor(
    readonly url: string,
    private readonly token: () => Promise<string | undefined> = async () => undefined,
  ) {}

  /** @returns the answer, as its schema says */
  async call<O extends Operation>(operation: O, request: RequestOf<O>): Promise<Answer<O>> {
    const timeoutMs = operation.method === 'get' ? READ_DEADLINE_MS : COMMAND_DEADLINE_MS;
    const token = (await this.token()) ?? null;
    try {
      return await callApi(this.url, operation, request, { timeoutMs, token });
    } catch (given) {
      const error = withTokenHint(given);
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
    return callJson(`${this.url}/healthz`, anyAnswer, {
      ...{ callee: 'anyone', timeoutMs: PROBE_DEADLINE_MS, token: null },
    }).then(
      () => true,
      () => false,
    );
  }
}
