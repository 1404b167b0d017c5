import { lookup } from 'node:dns/promises';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ipaddr from 'ipaddr.js';
import { digestOfInput } from '../../contracts/source';
import { SwarmError, redacted } from '../../domain';
import type { Logger } from '../../platform/logger';
import { isBelow } from '../../platform/paths';

/**
 * What a channel's input may be. Whoever may add a channel has the source open what he names, and puts it on air: so
 * files come from one folder, and URLs lead to no private address, unless the operator said otherwise.
 */
export interface InputRules {
  /** Files below it may be inputs. */
  inputDir: string;
  /** Networks that may be asked although they are private, such as `10.0.0.0/8`; an address is one of itself alone. */
  networks: readonly string[];
  /** SHA-256, hex, of inputs that the operator named himself: they may be anything of an allowed scheme. */
  trusted: ReadonlySet<string>;
}

/** This machine, and networks that are nobody's on the Internet: RFC 1918, RFC 6598, RFC 4193. */
export const PRIVATE_NETWORKS: readonly string[] = [
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
  ...['::1/128', 'fc00::/7'],
];

/** The rules of a source that others reach, where the operator says nothing else. */
export const strictRules = (stateDir: string): InputRules => ({
  inputDir: join(stateDir, 'inputs'),
  networks: [],
  trusted: new Set(),
});

/** What ffmpeg may open for an input of each scheme: for what the input leads to as well, such as entries of a playlist. */
const protocolsOf: Record<string, string> = {
  file: 'file,crypto,data',
  http: 'http,https,httpproxy,tcp,tls,crypto,data',
  https: 'http,https,httpproxy,tcp,tls,crypto,data',
  srt: 'srt',
  rtmp: 'rtmp,tcp',
  rtmps: 'rtmps,rtmp,tls,tcp',
  rtsp: 'rtsp,rtp,srtp,udp,tcp',
  rtsps: 'rtsps,rtsp,rtp,srtp,udp,tls,tcp',
  rtp: 'rtp,srtp,udp',
  udp: 'udp',
  // Sent to the source by HTTP.
  push: 'pipe',
};
/** Schemes of inputs. */
export const INPUT_SCHEMES: readonly string[] = Object.keys(protocolsOf);
/** What a local list may name besides files; ffmpeg itself lets it name files only. */
const LOCAL_LIST_PROTOCOLS = 'file,crypto,data,http,https,httpproxy,tcp,tls';
/** They listen at an address of this machine, and ask nobody. */
const LISTENING = new Set(['udp', 'rtp']);

export const schemeOf = (url: string): string =>
  /^([a-z][a-z0-9+.,-]*):/i.exec(url)?.[1]?.toLowerCase() ?? 'file';

const SLATE_SCHEMES = new Set(['file', 'http', 'https']);

/** A slate is made before it is needed: nothing live can be one. @throws SwarmError bad-request */
export const requireSlateAddress = (url: string): void => {
  if (SLATE_SCHEMES.has(schemeOf(url))) return;
  throw new SwarmError(
    'bad-request',
    `The slate ${redacted(url)} is nothing that is there beforehand.`,
    'Give a film or an image: a file, or an address of http or https.',
  );
};

/** A file of this machine. */
export const isFileInput = (url: string): boolean => schemeOf(url) === 'file';

/** ffmpeg arguments that keep an input to the protocols of its scheme. Those of a scheme that is not allowed: none. */
export const protocolArguments = (url: string, isLocalList: boolean): string[] => [
  '-protocol_whitelist',
  isLocalList ? LOCAL_LIST_PROTOCOLS : (protocolsOf[schemeOf(url)] ?? protocolsOf.file!),
];

/**
 * The one place that decides whether an input may be opened. A refusal does not say what there is and what not: the
 * log does.
 * @throws SwarmError bad-request
 */
export const requireAllowedInput = async (url: string, rules: InputRules, log: Logger): Promise<void> => {
  const scheme = schemeOf(url);
  const why =
    protocolsOf[scheme] === undefined
      ? `there is no input of scheme ${scheme}`
      : rules.trusted.has(digestOfInput(url))
        ? null
        : scheme === 'file'
          ? await whyNotFile(url, rules.inputDir)
          : await whyNotHost(url, scheme, rules.networks);
  if (why === null) return;
  log.warn({ input: redacted(url), why }, 'an input may not be used');
  throw new SwarmError(
    'bad-request',
    `The input ${url} may not be used here.`,
    'Give a file below SWARM_INPUT_DIR of the source, or a URL (http, https, srt, rtmp, rtmps, rtsp, rtsps, rtp, udp) at a public address or one of SWARM_INPUT_NETWORKS. The log of the source says why.',
  );
};

const whyNotFile = async (url: string, inputDir: string): Promise<string | null> => {
  let path: string;
  try {
    path = filePathOf(url);
  } catch (error) {
    return (error as Error).message;
  }
  const root = await realpath(inputDir).catch(() => resolve(inputDir));
  // One that is not there is judged by where it would be.
  const folder = await realpath(dirname(path)).catch(() => dirname(path));
  const target = await realpath(path).catch(() => join(folder, basename(path)));
  return isBelow(target, root) ? null : `${target} is not below ${root}`;
};

const whyNotHost = async (
  url: string,
  scheme: string,
  networks: readonly string[],
): Promise<string | null> => {
  if (!URL.canParse(url)) return 'it is no URL';
  if (scheme === 'push') return null;
  const { hostname, searchParams } = new URL(url);
  if (LISTENING.has(scheme) || (scheme === 'srt' && searchParams.get('mode') === 'listener')) return null;
  if (scheme === 'rtmp' && searchParams.get('listen') === '1') return null;
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === '') return 'it names no host';
  // One that is not known now is for ffmpeg to say; it is judged again when it is added again.
  const addresses = ipaddr.isValid(host)
    ? [host]
    : (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address);
  const refused = addresses.find((address) => !isAllowed(address, networks));
  return refused === undefined ? null : `${refused} is a private address`;
};

/** Networks are checked by the configuration. */
const isAllowed = (address: string, networks: readonly string[]): boolean => {
  const parsed = ipaddr.process(address);
  if (parsed.range() === 'unicast') return true;
  return networks.some((network) => {
    const [base, bits] = network.includes('/')
      ? ipaddr.parseCIDR(network)
      : [ipaddr.process(network), ipaddr.process(network).kind() === 'ipv4' ? 32 : 128];
    return base.kind() === parsed.kind() && parsed.match(base, bits);
  });
};

/**
 * A refusal of an input, without the words of ffprobe: they tell a file that is not there from one that may not be read,
 * and a port where nobody listens from one where somebody does. They go to the log. Of a file that may be an input it is
 * said where it can hold nothing.
 */
export const toldPlainly = async (error: unknown, url: string, log: Logger): Promise<unknown> => {
  if (!(error instanceof SwarmError) || !error.message.includes('ffprobe says')) return error;
  log.warn({ input: redacted(url), why: error.message }, 'an input could not be opened');
  const holdsNothing = schemeOf(url) === 'file' ? await whyItHoldsNothing(url) : null;
  return new SwarmError(
    'input-not-video',
    holdsNothing === null
      ? `The input ${url} can't be opened, or holds nothing that ffmpeg reads.`
      : `The input ${url} is ${holdsNothing}.`,
    holdsNothing === null
      ? 'Check that it is there and sends. The log of the source says what ffmpeg said.'
      : 'Name a file that holds moving pictures.',
  );
};

/** It was allowed before it was opened. */
const whyItHoldsNothing = async (url: string): Promise<string | null> => {
  const found = await stat(filePathOf(url)).catch(() => null);
  if (found?.isDirectory()) return 'a folder';
  if (found?.isSocket() || found?.isBlockDevice() || found?.isCharacterDevice()) return 'no file';
  return found?.isFile() && found.size === 0 ? 'an empty file' : null;
};

/** @throws Error for a `file:` URL that names no file */
const filePathOf = (url: string): string =>
  /^file:\/\//i.test(url) ? fileURLToPath(url) : resolve(url.replace(/^file:/i, ''));
