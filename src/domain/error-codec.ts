import { httpStatusOf, SwarmError, type ErrorCode, type ErrorFields } from './errors';

/**
 * How a SwarmError crosses HTTP (ErrorBody), gRPC (status and trailing metadata) and Temporal (ApplicationFailure): the
 * one place that knows these layouts. Without zod and Node built-ins, as workflows use it too.
 */

/** What goes beside code and message: in an ErrorBody, in gRPC's metadata and as the first detail of a failure. */
export type ErrorExtras = Pick<ErrorFields, 'hint' | 'details'>;

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(httpStatusOf, code);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads hint and details of anything. Older parts and histories call the hint `mend`. */
export const readExtras = (value: unknown): ErrorExtras => {
  if (!isRecord(value)) return {};
  const hint = value.hint ?? value.mend;
  const { details } = value;
  return {
    ...(typeof hint === 'string' && hint !== '' && { hint }),
    ...(isRecord(details) && { details }),
  };
};

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The error in the body of an HTTP answer; undefined where the body carries none of ours. */
export const errorFromBody = (body: unknown): SwarmError | undefined => {
  const error = isRecord(body) ? body.error : undefined;
  if (!isRecord(error) || !isErrorCode(error.code) || typeof error.message !== 'string') return undefined;
  const { hint, details } = readExtras(error);
  return new SwarmError(error.code, error.message, hint, details);
};

/** The same of a body as text. */
export const errorFromText = (text: string): SwarmError | undefined => errorFromBody(parsedJson(text));

/** Hint and details as JSON, for gRPC's metadata; undefined where there are none. */
export const extrasToJson = ({ hint, details }: ErrorExtras): string | undefined =>
  hint || details ? JSON.stringify({ hint, details }) : undefined;

export const extrasFromJson = (json: string): ErrorExtras => readExtras(parsedJson(json));

/** An error in the form that an ApplicationFailure has: type = code, the hint in the first detail. */
export interface FailureFields {
  message: string;
  type: string;
  details: [ErrorExtras];
}

/** What ApplicationFailure.create takes, but for `nonRetryable`. The code may be one of no table of ours. */
export const toFailureFields = ({
  code,
  message,
  hint,
  details,
}: Omit<ErrorFields, 'code'> & { code: string }): FailureFields => ({
  message,
  type: code,
  details: [{ hint, details }],
});

/** The error that an ApplicationFailure carries. Its type may be no code of ours, as of a failure that nobody foresaw. */
export const fromFailureFields = (failure: {
  message?: string | undefined;
  type?: string | null | undefined;
  details?: unknown;
}): Omit<ErrorFields, 'code'> & { code: string } => ({
  code: failure.type ?? 'internal',
  message: failure.message ?? 'refused',
  ...readExtras(Array.isArray(failure.details) ? failure.details[0] : undefined),
});
