import type { LedgerEntry, OriginChannel } from '../../../src/contracts/origin';
import { linkFetch } from '../../../src/platform/links/client';
import { partAuthorization } from '../../../src/platform/own-identity';
import { FRAMES_PER_SECOND, GOP_DURATION_TICKS } from './segments';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T & { error?: { code: string; message: string; hint?: string; details?: Record<string, unknown> } };
}

export const ownerNamed = (name: string) => ({ encoderId: `enc-${name}`, sessionId: `session-${name}` });

/** Speaks to an origin over HTTP as workflows and encoders do. */
export class OriginClient {
  constructor(readonly url: string) {}

  async call<T>(method: string, path: string, json?: unknown): Promise<Answer<T>> {
    const response = await linkFetch(this.url + path, {
      method,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...partAuthorization(),
      },
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  }

  register(id: string) {
    const body = { gopDurationTicks: GOP_DURATION_TICKS, framesPerSecond: FRAMES_PER_SECOND };
    return this.call<OriginChannel>('PUT', `/channels/${id}`, body);
  }

  async channel(id: string): Promise<OriginChannel> {
    return (await this.call<OriginChannel>('GET', `/channels/${id}`)).body;
  }

  async ledger(id: string, from = 0): Promise<LedgerEntry[]> {
    return (await this.call<LedgerEntry[]>('GET', `/channels/${id}/ledger?from=${from}`)).body;
  }

  own(id: string, expectToken: number, name: string | null, fromGop: number, more: object = {}) {
    return this.call<{ token: number; firstGop: number }>('POST', `/channels/${id}/own`, {
      requestId: `own-${expectToken}-${name}-${fromGop}`,
      expectToken,
      owner: name === null ? null : ownerNamed(name),
      fromGop,
      ...more,
    });
  }

  async put(
    id: string,
    gop: number,
    token: number,
    name: string,
    segments: Record<string, Buffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer<{ gop: number; duplicate?: boolean }>> {
    const { encoderId, sessionId } = ownerNamed(name);
    const announced = Object.entries(segments).map(
      ([rendition, segment]) => `${rendition}=${segment.length}`,
    );
    const response = await fetch(`${this.url}/channels/${id}/gops/${gop}`, {
      method: 'PUT',
      body: new Uint8Array(Buffer.concat(Object.values(segments))),
      headers: {
        'content-type': 'video/mp2t',
        'x-fencing-token': String(token),
        'x-renditions': announced.join(','),
        'x-encoder-id': encoderId,
        'x-session-id': sessionId,
        ...headers,
      },
    });
    return { status: response.status, body: (await response.json()) as never };
  }

  async text(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; text: string }> {
    const response = await fetch(this.url + path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
}
