import { json, type ErrorRequestHandler, type RequestHandler } from 'express';
import { SwarmError } from '../domain';

/** Parses JSON bodies up to a limit, and says what is wrong with one in the words of this API. */
export const jsonBody = (limit: string): [RequestHandler, ErrorRequestHandler] => [
  json({ limit }),
  (error: { type?: string; message: string }, _req, _res, next) => {
    // The parser's own errors have a type; what else comes here was thrown by a route, and is no matter of the body.
    if (error instanceof SwarmError || error.type === undefined) {
      next(error);
      return;
    }
    const cause =
      error.type === 'entity.too.large'
        ? `The body is larger than ${limit}.`
        : `The body is not JSON: ${error.message}.`;
    next(new SwarmError('bad-request', cause, 'Send a JSON object as /api/openapi.json describes it.'));
  },
];
