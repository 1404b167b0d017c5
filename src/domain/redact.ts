/**
 * What must not be told of URLs: passwords, passphrases, tokens and stream keys. Pure and without a parser of URLs, as
 * they stand in the middle of what ffmpeg or a database says. Bounded, so that no long text takes long. Without Node built-ins, as workflows use it too.
 */

const HIDDEN = '***';

/** `scheme://user:password@`: the password, up to the last `@` before the path. A user alone may be a token. */
const PASSWORD = /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"'<>\\]*):[^\s/"'<>\\]*@/gi;
const USER_ALONE = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/:@?"'<>\\]+@/gi;
/** Names of parameters whose value is a secret, wherever in the name the word stands: `passphrase`, `X-Amz-Signature`. */
const SECRET_PARAMETER =
  /([?&;,](?:[\w.-]{0,40}(?:pass|pwd|token|secret|key|auth|sign|credential|session)[\w.-]{0,40}|sig|hash|hdnts|hdnea|streamid|policy))=[^\s&;,"'<>\\]+/gi;
/** The last part of an RTMP path is the key of its stream. */
const STREAM_KEY = /\b(rtmp[a-z]{0,2}:\/\/[^\s/"'<>\\]+\/[^\s/?"'<>\\]+\/)[^\s?"'<>\\]+/gi;

/** A text with every secret of a URL in it replaced by `***`. */
export const redacted = (text: string): string =>
  text.includes('://')
    ? text
        .replace(PASSWORD, `$1:${HIDDEN}@`)
        .replace(USER_ALONE, (whole, scheme: string) =>
          whole.includes(HIDDEN) ? whole : `${scheme}${HIDDEN}@`,
        )
        .replace(SECRET_PARAMETER, `$1=${HIDDEN}`)
        .replace(STREAM_KEY, `$1${HIDDEN}`)
    : text;

/** An input as it may be told. */
export const redactedInput = <I extends { kind: string }>(input: I): I =>
  'url' in input && typeof input.url === 'string' ? { ...input, url: redacted(input.url) } : input;
