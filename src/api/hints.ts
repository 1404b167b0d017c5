import { SwarmError, type ErrorCode } from '../domain';

/** What to do about refusals whose part named no hint of its own. */
const hints: Partial<Record<ErrorCode, string>> = {
  'unknown-channel': 'See `encoder-swarm channel list` for the channels of this swarm.',
  'unknown-encoder': 'See `encoder-swarm encoder list` for the encoders of this swarm.',
  'channel-exists': 'Choose another id, or remove that channel first.',
  'same-encoder': 'Name another encoder, or none: then the fittest is chosen.',
  'encoder-cordoned': 'Uncordon it, or name another encoder.',
  'encoder-full': 'Name another encoder, or none: then the fittest with room is chosen.',
  'encoder-incompatible': 'Name an encoder whose build can encode this channel.',
  'encoder-unreachable': 'Look whether that encoder runs, or name another one.',
  'move-in-progress': 'Wait until that move has ended, then ask again.',
  'no-target': 'Add an encoder, or uncordon one.',
  'input-not-video': 'Give a file or live URL that ffmpeg reads and that holds moving pictures.',
  'session-failed':
    'Nothing is lost: the channel stays where it was. See `encoder-swarm explain` for the cause.',
  timeout: 'Look at `encoder-swarm status`: what was asked may have happened.',
};

/** The same refusal, with a hint. */
export const withHint = (error: unknown): unknown => {
  if (!(error instanceof SwarmError) || error.hint) return error;
  const hint = hints[error.code];
  return hint ? new SwarmError(error.code, error.message, hint, error.details) : error;
};
