import type { CookieOptions, Request, RequestHandler, Response, Router } from 'express';
import {
  operations,
  type Answer,
  type AuditEntry,
  type Operation,
  type ParsedRequest,
} from '../contracts/api';
import { ANYONE, SwarmError, type Caller } from '../domain';
import { doneFor } from '../platform/asking';
import { parseOrRefuse } from '../platform/http';
import { callerOf } from '../platform/http-guard';
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

/** What an operation may know of a request beside what it asks for. */
export interface Asked {
  /** Header of the request. */
  host: string | undefined;
  /** Who asks; of a public operation, a stranger counts as anyone. */
  caller: Caller;
  setCookie(name: string, value: string, options: CookieOptions): void;
}

type Note = (entry: AuditEntry) => void;
const notes = new WeakMap<Request, Note>();

/** Middleware: has each command that is served behind it noted, with who asked and what came of it. */
export const noteCommands =
  (note: Note): RequestHandler =>
  (req, _res, next) => {
    notes.set(req, note);
    next();
  };

const nameOf = new Map<Operation, string>(
  Object.entries<Operation>(operations).map(([name, operation]) => [operation, name]),
);

/** Whether it changes something: what only looks is not noted. */
const isCommand = ({ method, access }: Operation): boolean =>
  method !== 'get' && (access === 'operator' || access === 'admin');

const firstText = (...values: unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === 'string');

const entryOf = (
  operation: Operation,
  { params, body }: { params: unknown; body: unknown },
  { name, role }: Caller,
): Omit<AuditEntry, 'outcome'> => {
  const { id } = (params ?? {}) as { id?: unknown };
  const given = (body ?? {}) as { id?: unknown; buildId?: unknown; reason?: unknown };
  const about = firstText(id, given.id, given.buildId);
  const reason = firstText(given.reason);
  return {
    ...{ atMs: Date.now(), by: name, role, command: nameOf.get(operation) ?? operation.path },
    ...(about !== undefined && { about }),
    ...(reason !== undefined && { reason }),
  };
};

/** Puts an operation on the router: parses the request by its schemas, and answers with its status. */
export const serve = <O extends Operation>(
  router: Router,
  operation: O,
  handle: (request: ParsedRequest<O>, asked: Asked) => Promise<Answer<O>>,
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
    const caller = callerOf(req) ?? ANYONE;
    const asked: Asked = {
      host: req.headers.host,
      caller,
      setCookie: (name, value, options) => void res.cookie(name, value, options),
    };
    const note = isCommand(operation) ? notes.get(req) : undefined;
    const entry = note && entryOf(operation, request, caller);
    const noteOutcome = (outcome: string): void => {
      if (note && entry) note({ ...entry, outcome });
    };
    const answer = await doneFor(caller, () => handle(request, asked)).catch((error: unknown) => {
      noteOutcome(error instanceof SwarmError ? error.code : 'internal');
      throw error;
    });
    noteOutcome('done');
    if (answer === null) res.status(204).end();
    else res.status(withBody).json(answer);
  });
};

/** What the API answers, below /api. */
export const apiRoutes: readonly Route[] = Object.values<Operation>(operations).map((operation) => ({
  method: operation.method.toUpperCase() as Route['method'],
  path: routeOf(operation),
  access: operation.access,
}));
