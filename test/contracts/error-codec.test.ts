import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { ApplicationFailure } from '@temporalio/common';
import { toFailure } from '../../activities/kit/failures';
import { fromServiceError, toServiceError } from '../../src/contracts/encoder/grpc-errors';
import {
  SwarmError,
  errorFromBody,
  errorFromText,
  fromFailureFields,
  httpStatusOf,
  toFailureFields,
  type ErrorCode,
} from '../../src/domain';
import { fromTemporal } from '../../src/temporal/errors';
import { causeOf, refusalFor } from '../../workflows/kit/failures';

const codes = Object.keys(httpStatusOf) as ErrorCode[];
const fieldsOf = ({ code, message, hint, details }: SwarmError) => ({ code, message, hint, details });
const full = (code: ErrorCode) => new SwarmError(code, `it is ${code}`, 'Ask again.', { nextGop: 7 });
const bare = (code: ErrorCode) => new SwarmError(code, `it is ${code}`);
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const notFound = (): SwarmError => new SwarmError('not-found', 'no workflow');

/** A failure as the server hands it on: its details went through JSON. */
const stored = (failure: ApplicationFailure): ApplicationFailure =>
  ApplicationFailure.create({
    message: failure.message,
    ...(failure.type && { type: failure.type }),
    details: json(failure.details ?? []) as unknown[],
  });

describe('an error is the same behind', () => {
  test.each(codes.flatMap((code) => [full(code), bare(code)]))('HTTP: $code', (error) => {
    expect(fieldsOf(errorFromText(JSON.stringify(error.toBody()))!)).toEqual(fieldsOf(error));
  });

  test.each(codes.flatMap((code) => [full(code), bare(code)]))('gRPC: $code', (error) => {
    const sent = toServiceError(error) as ServiceError;
    expect(fieldsOf(fromServiceError(sent, 'host:1'))).toEqual(fieldsOf(error));
  });

  test.each(codes.flatMap((code) => [full(code), bare(code)]))('Temporal: $code', (error) => {
    const failure = stored(toFailure(error) as ApplicationFailure);
    expect(fieldsOf(fromTemporal(failure, notFound))).toEqual(fieldsOf(error));
    expect(causeOf(failure)).toEqual(json(fieldsOf(error)));
    expect(fieldsOf(fromTemporal(stored(refusalFor(causeOf(failure))), notFound))).toEqual(fieldsOf(error));
  });
});

describe('the hint of older parts and histories, which they call "mend", is read', () => {
  const old = { mend: 'Wait a moment.', details: { token: 3 } };
  const expected = { code: 'conflict', message: 'no', hint: 'Wait a moment.', details: { token: 3 } };

  test('over HTTP', () => {
    expect(errorFromBody({ error: { code: 'conflict', message: 'no', ...old } })).toMatchObject(expected);
  });

  test('over gRPC', () => {
    const metadata = new Metadata();
    metadata.set('swarm-error-code', 'conflict');
    metadata.set('swarm-error-details-bin', Buffer.from(JSON.stringify(old)));
    const error = { code: 6, details: 'no', metadata } as unknown as ServiceError;
    expect(fromServiceError(error, 'host:1')).toMatchObject(expected);
  });

  test('in an ApplicationFailure', () => {
    const failure = ApplicationFailure.create({ message: 'no', type: 'conflict', details: [old] });
    expect(causeOf(failure)).toEqual(expected);
    expect(fromTemporal(failure, notFound)).toMatchObject(expected);
  });
});

describe('what is no error of ours', () => {
  test.each([
    undefined,
    null,
    'text',
    [],
    {},
    { error: null },
    { error: 'conflict' },
    { error: { code: 'conflict' } },
    { error: { code: 'no-such-code', message: 'x' } },
    { error: { code: 'toString', message: 'x' } },
  ])('is none as a body: %j', (body) => {
    expect(errorFromBody(body)).toBeUndefined();
  });

  test('is none as text', () => {
    expect(errorFromText('<html>')).toBeUndefined();
  });

  test('leaves out hint and details of another type', () => {
    const body = { error: { code: 'conflict', message: 'no', hint: 7, details: 'x' } };
    expect(fieldsOf(errorFromBody(body)!)).toEqual({
      code: 'conflict',
      message: 'no',
      hint: undefined,
      details: undefined,
    });
  });

  test('keeps the type of a failure that nobody foresaw, and has `internal` for none', () => {
    expect(fromFailureFields({ type: 'TypeError', message: 'x' })).toEqual({
      code: 'TypeError',
      message: 'x',
    });
    expect(fromFailureFields({ message: 'x', details: [null] })).toEqual({ code: 'internal', message: 'x' });
  });
});

test('passing causes may be tried again, refusals not', () => {
  const retryable = codes.filter((code) => !(toFailure(bare(code)) as ApplicationFailure).nonRetryable);
  expect(retryable.sort()).toEqual(
    [
      'encoder-unreachable',
      'internal',
      'ledger-unavailable',
      'storage-full',
      'timeout',
      'unavailable',
    ].sort(),
  );
  expect(toFailureFields(full('conflict'))).toEqual({
    message: 'it is conflict',
    type: 'conflict',
    details: [{ hint: 'Ask again.', details: { nextGop: 7 } }],
  });
});
