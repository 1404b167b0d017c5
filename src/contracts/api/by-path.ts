import type { Answer, RequestOf, Operation } from './operation';
import type { operations } from './operations';

/** Types for a caller that has methods and paths only, such as the script of the page. */

type Template<P extends string> = P extends `${infer A}{${string}}${infer B}`
  ? `${A}${string}${Template<B>}`
  : P;

type All = (typeof operations)[keyof typeof operations];
type Matching<O, M extends string, P extends string> = O extends Operation
  ? Uppercase<O['method']> extends M
    ? P extends Template<O['path']>
      ? O
      : never
    : never
  : never;

/** The operation that a method and a path ask for; never where there is none. */
export type OperationAt<M extends string, P extends string> = Matching<All, M, P>;
export type AnswerAt<M extends string, P extends string> = Answer<OperationAt<M, P>>;
export type BodyAt<M extends string, P extends string> = RequestOf<OperationAt<M, P>>['body'];
