import { httpStatusOf } from '../../src/domain';
import fc from '../support/fast-check';
import { spoilt, spoiltJson } from './fuzz';

export interface FuzzedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

export const part = fc.oneof(
  fc.constantFrom(
    'ch-1',
    'ch-2',
    '0',
    '7',
    '-1',
    '1e9',
    '%00',
    '..%2f..%2fetc',
    'UPPER',
    'a'.repeat(300),
    '%ff',
    '',
  ),
  fc.string({ maxLength: 6 }).map(encodeURIComponent),
);
export const queryOf = (names: string[]) =>
  fc.dictionary(fc.constantFrom(...names), part, { maxKeys: 3 }).map((query) =>
    Object.entries(query)
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
  );

/** Requests near to those that a part takes. `{}` in a path stands for anything. */
export const requests = (options: {
  routes: string[];
  methods: string[];
  query: string[];
  body: Record<string, unknown>;
}) =>
  fc
    .record({
      method: fc.constantFrom(...options.methods),
      route: fc.constantFrom(...options.routes),
      parts: fc.array(part, { minLength: 4, maxLength: 4 }),
      query: queryOf(options.query),
      type: fc.constantFrom(
        'application/json',
        'application/json',
        'text/plain',
        'video/mp2t',
        '',
        'a/b; charset=x',
      ),
      body: fc.oneof(
        spoiltJson(options.body).map((value) => JSON.stringify(value) ?? ''),
        spoilt(Buffer.from(JSON.stringify(options.body))).map((bytes) => bytes.toString('utf8')),
        fc.constant('x'.repeat(40_000)),
      ),
    })
    .map(({ method, route, parts, query, type, body }): FuzzedRequest => {
      let next = 0;
      const path = route.replace(/\{\}/g, () => parts[next++ % parts.length]!);
      const headers: Record<string, string> = type ? { 'content-type': type } : {};
      return { method, path: `${path}?${query}`, headers, body: method === 'GET' ? undefined : body };
    });

/** Asks; a refusal has to be one of ours. @returns true if it was not refused */
export const ask = async (url: string, { method, path, headers, body }: FuzzedRequest): Promise<boolean> => {
  const response = await fetch(url + path, {
    method,
    headers,
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  if (response.status < 400) return true;
  expect(response.status).not.toBe(500);
  // Express itself answers what has no route at all.
  if (response.status === 404 && text.startsWith('<!DOCTYPE')) return false;
  const { error } = JSON.parse(text) as { error: { code: keyof typeof httpStatusOf; message: string } };
  expect(httpStatusOf).toHaveProperty(error.code);
  expect(error.message.length).toBeGreaterThan(5);
  return false;
};
