import type { z } from 'zod';
import { callJson, noContent, type CallInit, type CallOptions } from './call';

/** The address of a part, and how its channels are asked for: what the clients of relay, origin and source share. */
export abstract class PartClient {
  protected abstract readonly part: string;

  constructor(readonly url: string) {}

  /** Takes a channel away; an unknown one counts as taken away. */
  async remove(channelId: string, options: CallOptions = {}): Promise<void> {
    await this.ask(noContent, this.channelPath(channelId), { ...options, method: 'DELETE' });
  }

  protected ask<T extends z.ZodType>(schema: T, path: string, init: CallInit = {}): Promise<z.output<T>> {
    return callJson(`${this.url}${path}`, schema, { ...init, part: this.part });
  }

  protected channelPath(channelId: string): string {
    return `/channels/${encodeURIComponent(channelId)}`;
  }
}
