import type { z } from 'zod';
import { ownApiToken } from '../../platform/own-identity';
import { callJson, noContent } from '../call';
import type { Answer, RequestOf, Operation } from './operation';

/** `{name}` of the path, filled in. A slash of a value does not part the path, so that no value leads elsewhere. */
const pathOf = ({ path }: Operation, params: Record<string, unknown> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(params[name])));

const queryOf = (query: Record<string, unknown> = {}): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()}`;
};

/** What an operation answers when it is done; `undefined` stands for an answer without a body. */
const answerOf = ({ answers }: Operation): z.ZodType => {
  const all = Object.values(answers);
  const schema = all.find((each) => each !== null);
  if (!schema) return noContent;
  return all.includes(null) ? schema.optional() : schema;
};

export interface ApiCallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Who asks; null: nobody. Absent: as whom this process asks (setOwnIdentity). */
  token?: string | null;
}

/**
 * Asks the API at `url` (such as http://127.0.0.1:7700) and parses what it answers.
 * @throws SwarmError the API's own refusal; `unavailable` or `timeout` when it can't be asked; `internal` when the
 *   answer is not what its schema says
 */
export const callApi = async <O extends Operation>(
  url: string,
  operation: O,
  request: RequestOf<O>,
  options: ApiCallOptions = {},
): Promise<Answer<O>> => {
  const { params, query, body } = request as {
    params?: Record<string, unknown>;
    query?: Record<string, unknown>;
    body?: unknown;
  };
  const full = `${url}/api${pathOf(operation, params)}${queryOf(query)}`;
  const answered = await callJson(full, answerOf(operation), {
    // A proxy may stand before it, with a certificate of a public authority.
    callee: 'anyone',
    token: ownApiToken() ?? null,
    ...options,
    method: operation.method.toUpperCase(),
    ...(operation.body && { json: body ?? {} }),
  });
  return (answered === undefined ? null : answered) as Answer<O>;
};
