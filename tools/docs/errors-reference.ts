import { httpStatusOf, type ErrorCode } from '../../src/domain';
import { generatedNote, pageOf, tableOf } from './page';

const meanings: Record<ErrorCode, string> = {
  'bad-request': 'the request does not match its contract',
  'unknown-channel': 'there is no such channel',
  'unknown-encoder': 'there is no such encoder',
  'unknown-session': 'the encoder has no such session',
  'not-found': 'there is no such thing',
  'method-not-allowed': 'the path does not take this method; the header Allow says which it takes',
  'channel-exists': 'a channel of this id is there already',
  'same-encoder': 'the channel is on this encoder already',
  'encoder-cordoned': 'the encoder takes no new work',
  'encoder-full': 'the encoder has no room for this',
  'encoder-incompatible': 'another build or class than the owner runs, or one that does not work',
  'encoder-unreachable': 'the encoder does not answer',
  'encoder-answered-garbage': 'the answer of the encoder does not match its contract',
  'move-in-progress': 'the channel is being moved already',
  'no-target': 'no encoder may take the channel and has room',
  unplaceable: 'no encoder of the swarm could ever take the channel, not even an empty one',
  'input-not-video': 'the input is not video, or can not be opened',
  'input-ended': 'the input has ended',
  'stale-token': 'the session does not own the channel any more',
  'out-of-order': 'an earlier GOP is still missing',
  'gop-exists': 'this GOP was published already',
  'gop-left-ring': 'the relay does not have this GOP any more',
  'malformed-segment': 'not MPEG-TS that begins with an IDR picture',
  'segment-too-large': 'the GOP is larger than allowed',
  'ledger-mismatch': "not exactly the pictures of the relay's ledger",
  'ledger-unavailable': 'the relay could not be asked for its ledger',
  'session-failed': 'the session has failed',
  timeout: 'not done in time; it may still happen',
  conflict: 'in conflict with another request, or with the present state',
  unavailable: 'a part that is needed does not answer',
  'storage-full': 'the disk is full',
  'at-capacity-limit': 'no more of these are allowed',
  unauthenticated:
    'the caller shows nothing by which it is known, or something that does not count (any more)',
  forbidden: 'the caller is known, and may not do this',
  'cross-origin': "the request comes from another site's page",
  internal: 'a fault of ours',
};

/** The reference of all codes of refusals. */
export const errorsReference = (): string =>
  pageOf([
    generatedNote('`src/domain/errors.ts`'),
    '# Errors',
    'Every refusal over HTTP is `{"error": {code, message, hint?, details?}}`: `message` says what is wrong, `hint` what to do. The command line prints both. gRPC and Temporal carry the same code. A refused request changes nothing.',
    tableOf([
      ['code', 'HTTP', 'meaning'],
      ...Object.entries(httpStatusOf).map(([code, status]) => [
        `\`${code}\``,
        String(status),
        meanings[code as ErrorCode],
      ]),
    ]),
  ]);
