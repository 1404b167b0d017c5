import { z } from 'zod';
import { SwarmError, errorFromBody } from '../domain';
import { Deadline } from '../platform/deadline';
import { linkFetch, type Callee } from '../platform/links/client';
import { partAuthorization } from '../platform/own-identity';
import { faultsOf } from './faults';

export interface CallOptions {
  /** Default: 5,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface CallInit extends CallOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as the body. */
  json?: unknown;
  /** What is asked; default: a part of this swarm. */
  callee?: Callee;
  /** Who is called, for messages, such as `origin`. */
  part?: string;
  /** What the caller shows of himself; null: nothing. Absent: what this process shows to parts of its swarm. */
  token?: string | null | undefined;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/** The answer of a call that answers nothing. */
export const noContent = z.undefined();

/** An answer of which the caller wants only to know that it came. */
export const anyAnswer = z.unknown();

/**
 * Calls another part over HTTP with a deadline and returns its JSON, parsed by its schema.
 * @throws SwarmError with the callee's own code; `unavailable` or `timeout` when it could not be asked; `internal` that
 * names part and fields for an answer that breaks the schema.
 */
export const callJson = async <T extends z.ZodType>(
  url: string,
  schema: T,
  init: CallInit = {},
): Promise<z.output<T>> => {
  const { part, ...request } = init;
  const body = await exchange(url, request);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const who = part ? `The ${part} (${url})` : url;
  throw new SwarmError('internal', `${who} answered something unexpected: ${faultsOf(parsed.error)}.`);
};

const authorizationOf = (token: string | null | undefined): { authorization?: string } => {
  if (token === undefined) return partAuthorization();
  return token === null ? {} : { authorization: `Bearer ${token}` };
};

const exchange = async (
  url: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS, json, signal, headers, token, callee, ...rest }: Omit<CallInit, 'part'>,
): Promise<unknown> => {
  const deadline = new Deadline(timeoutMs, signal);
  let response: Response;
  let text: string;
  try {
    const request: RequestInit = {
      ...rest,
      signal: deadline.signal,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...authorizationOf(token),
        ...headers,
      },
    };
    response = await linkFetch(url, request, callee);
    text = await response.text();
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    if (deadline.hasPassed) throw new SwarmError('timeout', `${url} did not answer within ${timeoutMs} ms.`);
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    throw new SwarmError('unavailable', `${url} can't be reached: ${cause}.`, 'Check that this part runs.');
  } finally {
    deadline.end();
  }
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new SwarmError('internal', `${url} answered ${response.status} with something that is not JSON.`);
  }
  if (response.ok) return body;
  throw errorFromBody(body) ?? new SwarmError('internal', `${url} answered ${response.status}.`);
};
