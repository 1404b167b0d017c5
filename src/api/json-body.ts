import { json, type ErrorRequestHandler, type RequestHandler } from 'express';
import { SwarmError } from '../domain';

/** Parses JSON bodies up to a limit, and says what is wrong with one in the words of this API. */
export const jsonBody = (limit: string): [RequestHandler, ErrorRequestHandler] => [
  json({ limit }),
  (error: { type?: string; message: string }, _req, _res, next) => {
    if (error instanceof SwarmError) {
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
