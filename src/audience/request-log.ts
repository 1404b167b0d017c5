import { z } from 'zod';

/** A request as the log of a server or CDN has it. */
export interface LoggedRequest {
  atMs: number;
  method: string;
  path: string;
  /** Without `?`; empty if there was none. */
  query: string;
  status: number;
  address: string;
  userAgent: string;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `ADDRESS - USER [TIME] "METHOD TARGET HTTP/1.1" STATUS BYTES "REFERER" "AGENT"`, the last two optional, with whatever stands before and after. */
const COMBINED =
  /(\S+) \S+ \S+ \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "([A-Z]{1,10}) (\S+)[^"]*" (\d{3}) \S+(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?/;

/** Names that logs in JSON have for the same thing: those of nginx, of Fastly's examples, of the common log shippers. */
const jsonNames = {
  time: ['timestamp', 'time', 'time_iso8601', 'time_start', '@timestamp', 'msec', 'ts'],
  method: ['request_method', 'method', 'req_method'],
  target: ['request_uri', 'url', 'uri', 'path', 'request_url'],
  request: ['request'],
  status: ['status', 'response_status', 'status_code', 'sc_status'],
  address: ['client_ip', 'remote_addr', 'clientip', 'c_ip', 'ip'],
  userAgent: ['request_user_agent', 'http_user_agent', 'user_agent', 'useragent', 'ua'],
} as const;

const jsonLine = z.record(z.string(), z.unknown());

/** Fields of CloudFront's standard logs, where a file does not name its own. */
const CLOUDFRONT_FIELDS =
  'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query'.split(
    ' ',
  );

/** Path and query of what a request asks for. */
export const targetOf = (target: string): { path: string; query: string } => {
  // Some log the whole URL.
  const local = target.replace(/^[a-z]+:\/\/[^/]*/i, '');
  const mark = local.indexOf('?');
  return mark < 0 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Seconds or milliseconds since 1970, or ISO 8601. */
const timeOf = (value: unknown): number => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value));
  if (!isNumber) return typeof value === 'string' ? Date.parse(value) : NaN;
  const number = Number(value);
  return number > 1e11 ? number : number * 1_000;
};

/**
 * Reads access logs line by line: nginx and Apache (common and combined), CloudFront (standard logs, W3C extended), and
 * JSON with a line for each request, as Fastly and nginx write it. Each line tells which it is.
 */
export class RequestLog {
  private fields = CLOUDFRONT_FIELDS;

  /** @returns null for what is no request: a comment, another format, a line that was cut off */
  read(line: string): LoggedRequest | null {
    if (line.startsWith('#')) {
      const [, names] = /^#Fields:\s*(.*)$/.exec(line) ?? [];
      if (names !== undefined) this.fields = names.trim().split(/\s+/);
      return null;
    }
    const request = line.startsWith('{')
      ? this.fromJson(line)
      : line.includes('\t')
        ? this.fromW3c(line)
        : this.fromCombined(line);
    return request && Number.isFinite(request.atMs) && Number.isInteger(request.status) ? request : null;
  }

  private fromCombined(line: string): LoggedRequest | null {
    const match = COMBINED.exec(line);
    if (!match) return null;
    const [, address = '', day, month = '', year, time, hours, minutes, method = '', target = ''] = match;
    const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
    return {
      atMs: Date.parse(`${year}-${monthNumber}-${day}T${time}${hours}:${minutes}`),
      ...{ method, ...targetOf(target), address },
      status: Number(match[10]),
      userAgent: match[11] ?? '',
    };
  }

  private fromW3c(line: string): LoggedRequest | null {
    const values = line.split('\t');
    const value = (name: string): string => {
      const text = values[this.fields.indexOf(name)] ?? '-';
      return text === '-' ? '' : text;
    };
    // It encodes what players have encoded once more.
    const query = value('cs-uri-query');
    return {
      atMs: Date.parse(`${value('date')}T${value('time')}Z`),
      method: value('cs-method'),
      path: targetOf(value('cs-uri-stem')).path,
      query: query.includes('%25') ? decoded(query) : query,
      status: Number(value('sc-status')),
      address: value('c-ip'),
      userAgent: decoded(value('cs(User-Agent)')),
    };
  }

  private fromJson(line: string): LoggedRequest | null {
    const parsed = jsonLine.safeParse(jsonOf(line));
    if (!parsed.success) return null;
    const value = (names: readonly string[]): unknown =>
      names.map((name) => parsed.data[name]).find((found) => found !== undefined);
    const text = (names: readonly string[]): string => {
      const found = value(names);
      return typeof found === 'string' ? found : '';
    };
    // Either method and target, or the request line with both.
    const [method, target] = text(jsonNames.request).split(' ');
    return {
      atMs: timeOf(value(jsonNames.time)),
      method: text(jsonNames.method) || (method ?? ''),
      ...targetOf(text(jsonNames.target) || (target ?? '')),
      status: Number(value(jsonNames.status) ?? NaN),
      address: text(jsonNames.address),
      userAgent: text(jsonNames.userAgent),
    };
  }
}

const jsonOf = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};
