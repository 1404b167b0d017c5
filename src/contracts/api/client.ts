import { z } from 'zod';
import { callJson } from '../call';
import type { Answer, Asking, Operation } from './operation';

/** `{name}` of the path, filled in; slashes of a value part it, as in the id of a workflow. */
const pathOf = ({ path }: Operation, params: Record<string, unknown> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    String(params[name]).split('/').map(encodeURIComponent).join('/'),
  );

const queryOf = (query: Record<string, unknown> = {}): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()}`;
};

/**
 * Asks the API at `url` (such as http://127.0.0.1:7700) and parses what it answers.
 * @throws SwarmError the API's own refusal; `unavailable` or `timeout` when it can't be asked; `internal` when the
 *   answer is not what its schema says
 */
export const callApi = async <O extends Operation>(
  url: string,
  operation: O,
  asking: Asking<O>,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Answer<O>> => {
  const { params, query, body } = asking as {
    params?: Record<string, unknown>;
    query?: Record<string, unknown>;
    body?: unknown;
  };
  const full = `${url}/api${pathOf(operation, params)}${queryOf(query)}`;
  const schemas = Object.values(operation.answers).map((schema) => schema ?? z.undefined());
  const answer = await callJson(full, z.union(schemas), {
    ...options,
    part: 'API',
    method: operation.method.toUpperCase(),
    ...(operation.body && { json: body ?? {} }),
  });
  return (answer ?? null) as Answer<O>;
};
