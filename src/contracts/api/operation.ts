import type { z } from 'zod';
import type { Access, ErrorCode } from '../../domain';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** One thing that the API can be asked: what comes in, what goes out, and what it may refuse. */
export interface Operation {
  readonly method: Method;
  /** Below /api, such as `/channels/{id}`. */
  readonly path: `/${string}`;
  /** Who may ask. */
  readonly access: Exclude<Access, 'part'>;
  readonly summary: string;
  /** Parts of the path, by name. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** No body at all is taken as `{}`. */
  readonly bodyOptional?: true;
  /** By status, the usual one first; null: an answer without a body. */
  readonly answers: Readonly<Partial<Record<200 | 201 | 202 | 204, z.ZodType | null>>>;
  /** The answer is a stream of server-sent events without an end; its schema is that of each event's data. */
  readonly stream?: true;
  /**
   * What it refuses beside what every operation may refuse: `bad-request`, `cross-origin` and, if it is not public,
   * `unauthenticated` and `forbidden`.
   */
  readonly refusals: readonly ErrorCode[];
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;
type Given<T> = T extends z.ZodType ? z.input<T> : undefined;

/** What the server gets, after parsing. */
export interface ParsedRequest<O extends Operation> {
  params: Parsed<O['params']>;
  query: Parsed<O['query']>;
  body: Parsed<O['body']>;
}

/** What a client gives. */
export type RequestOf<O extends Operation> = (O['params'] extends z.ZodType
  ? { params: Given<O['params']> }
  : { params?: undefined }) &
  (O['query'] extends z.ZodType ? { query?: Given<O['query']> } : { query?: undefined }) &
  (O['body'] extends z.ZodType
    ? O['bodyOptional'] extends true
      ? { body?: Given<O['body']> }
      : { body: Given<O['body']> }
    : { body?: undefined });

type AnswerSchema<O extends Operation> = O['answers'][keyof O['answers']];
type ValueOf<S> = S extends z.ZodType ? z.output<S> : null;
/** What the operation answers; null for an answer without a body. */
export type Answer<O extends Operation> = ValueOf<AnswerSchema<O>>;

/** Keeps the exact types of a declaration. */
export const operation = <const O extends Operation>(declared: O): O => declared;
