import type { Request, Response, Router } from 'express';
import { operations, type Answer, type ParsedRequest, type Operation } from '../contracts/api';
import { parseOrRefuse } from '../platform/http';
import type { Route } from '../platform/route';

/** The path of an operation as Express takes it. An id of a workflow has slashes. */
export const routeOf = ({ path }: Operation): string =>
  path.replace('{subject}', '*subject').replace(/\{(\w+)\}/g, ':$1');

/** What Express found in the path; the parts of a wildcard are put together again. */
const paramsOf = ({ params }: Request): Record<string, string> =>
  Object.fromEntries(
    Object.entries<string | string[]>(params).map(([name, value]) => [name, [value].flat().join('/')]),
  );

/** What an operation is about, for people: the last word of its path, such as `channel` or `handoff`. */
const nounOf = ({ path }: Operation): string =>
  (path.split('/').findLast((part) => part !== '' && !part.startsWith('{')) ?? 'request').replace(/s$/, '');

/** Puts an operation on the router: parses the request by its schemas, and answers with its status. */
export const serve = <O extends Operation>(
  router: Router,
  operation: O,
  handle: (request: ParsedRequest<O>, hostHeader: string | undefined) => Promise<Answer<O>>,
): void => {
  const { params, query, body, bodyOptional, answers } = operation;
  const statuses = Object.keys(answers).map(Number);
  const noun = nounOf(operation);
  const withBody = statuses.find((status) => status !== 204) ?? 204;
  router[operation.method](routeOf(operation), async (req: Request, res: Response) => {
    const sent = req.body as unknown;
    const given = bodyOptional ? (sent ?? {}) : sent;
    const request = {
      params: params && parseOrRefuse(params, paramsOf(req), `${noun} id`),
      query: query && parseOrRefuse(query, req.query, 'query'),
      body: body && parseOrRefuse(body, given, noun),
    } as ParsedRequest<O>;
    const answer = await handle(request, req.headers.host);
    if (answer === null) res.status(204).end();
    else res.status(withBody).json(answer);
  });
};

/** What the API answers, below /api. */
export const apiRoutes: readonly Route[] = Object.values<Operation>(operations).map((operation) => ({
  method: operation.method.toUpperCase() as Route['method'],
  path: routeOf(operation),
}));
