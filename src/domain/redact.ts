/**
 * What must not be told of URLs: passwords, passphrases, tokens and stream keys. Pure and without a parser of URLs, as
 * they stand in the middle of what ffmpeg or a database says, and people write characters into them that no URL may have.
 * Bounded, so that no long text takes long. Without Node built-ins, as workflows use it too.
 */

const HIDDEN = '***';

/** A quotation mark that ends a text in quotes, also in JSON, by what follows; any other may be part of a password. */
const CLOSING = String.raw`"(?=[\s,.:;)\]}'\\]|$)`;
/** What may stand in a secret. */
const INNER = String.raw`(?:[^\s"]|(?!${CLOSING})")`;
const SCHEME = String.raw`\b[a-z][a-z0-9+.-]{0,20}:\/\/`;

/** `scheme://user:password@`: the password, up to the last `@` before the path. */
const PASSWORD = new RegExp(String.raw`(${SCHEME}[^\s/:@"]*):(?:(?!\/)${INNER})*@`, 'gi');
/** The same with a slash in the password, which no URL may have: what follows the colon is no port. */
const PASSWORD_WITH_SLASH = new RegExp(
  String.raw`(${SCHEME}(?!\[)[^\s/:@"]*):(?!\*\*\*@|\d{0,5}(?:[^\w@-]|$))${INNER}{0,200}@`,
  'gi',
);
/** A user alone may be a token. */
const USER_ALONE = new RegExp(String.raw`(${SCHEME})(?:(?![/:@?])${INNER})+@`, 'gi');

/** Words in the names of parameters whose value is a secret, wherever in the name they stand: `passphrase`, `X-Amz-Signature`. */
const WORDS = [
  ...['pas', 'pw', 'psw', 'token', 'secret', 'key', 'auth', 'sign', 'credential', 'session'],
  ...['jwt', 'bearer', 'cookie', 'hmac', 'md5', 'ticket'],
].join('|');
/** Names of such parameters that mean nothing in another. */
const NAMES = 'sig|hash|hdnts|hdnea|hdntl|streamid|policy|pin|code|access[-_]code|st|sk';
/** The end of a value; punctuation before it belongs to the sentence that the URL stands in. */
const END = String.raw`(?=['.,;:)\]}]{0,4}(?:[\s&<>]|$|\\{0,7}${CLOSING}))`;
/**
 * A name in percent codes may be any. Cameras have parameters in the path, too: `/user=admin_password=secret_channel=1`.
 */
const SECRET_PARAMETER = new RegExp(
  String.raw`([/?&;,#_](?:[\w.[\]-]{0,40}(?:${WORDS})[\w.[\]-]{0,40}|[\w.[\]-]{0,40}%[0-9a-f]{2}[\w.%[\]-]{0,80}|${NAMES}))` +
    String.raw`=(?:(?![&<>])${INNER})+?${END}`,
  'gi',
);
/** A URL in a parameter of another one: all that is between its scheme and its host. */
const ENCODED_LOGIN = /(%3a%2f%2f)(?:(?!%2f)[^\s&"'<>])*%40/gi;
const ENCODED_PARAMETER = new RegExp(
  String.raw`((?:%3f|%26)(?:[\w.-]{0,40}(?:${WORDS})[\w.-]{0,40}|${NAMES})%3d)(?:(?!%26)[^\s&"'<>])+`,
  'gi',
);
/** The last part of an RTMP path is the key of its stream. */
const STREAM_KEY = /\b(rtmp[a-z]{0,2}:\/\/[^\s/"'<>\\]+\/[^\s/?"'<>\\]+\/)[^\s?"'<>\\]+/gi;
/** `/token/secret/list.m3u8` */
const SECRET_IN_PATH =
  /(:\/\/[^\s"'<>]{0,200}\/(?:token|secret|auth|pass(?:word|wd)?|pwd|api[-_]?key)\/)[^\s/?"'<>\\]+/gi;
/** Of television over IP: kind, user, password, number. */
const LOGIN_IN_PATH =
  /(:\/\/[^\s/]+\/(?:live|movie|series|timeshift)\/)[^\s/]+\/[^\s/]+(?=\/\d+(?:\.\w+)?\b)/gi;

/** A text with every secret of a URL in it replaced by `***`. */
export const redacted = (text: string): string =>
  text.includes('://')
    ? text
        .replace(PASSWORD, `$1:${HIDDEN}@`)
        .replace(PASSWORD_WITH_SLASH, `$1:${HIDDEN}@`)
        .replace(USER_ALONE, (whole, scheme: string) =>
          whole.includes(HIDDEN) ? whole : `${scheme}${HIDDEN}@`,
        )
        .replace(SECRET_PARAMETER, `$1=${HIDDEN}`)
        .replace(ENCODED_LOGIN, `$1${HIDDEN}%40`)
        .replace(ENCODED_PARAMETER, `$1${HIDDEN}`)
        .replace(STREAM_KEY, `$1${HIDDEN}`)
        .replace(SECRET_IN_PATH, `$1${HIDDEN}`)
        .replace(LOGIN_IN_PATH, `$1${HIDDEN}/${HIDDEN}`)
    : text;

/** An input as it may be told. */
export const redactedInput = <I extends { kind: string }>(input: I): I =>
  'url' in input && typeof input.url === 'string' ? { ...input, url: redacted(input.url) } : input;
