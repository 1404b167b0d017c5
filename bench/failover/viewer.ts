import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { masterPlaylistUrl } from '../../src/contracts/origin';
import { launchBrowser } from '../lib/browser';
import type { Watched } from '../players/judge';
import { servePage } from '../players/page-server';
import { PlayerFront } from './player-front';

const ROOT = join(__dirname, '..', '..', '..');
const STARTS_WITHIN_MS = 60_000;

/** hls.js in Chromium, three segments behind the live edge of one channel. */
export class Viewer {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly front: PlayerFront,
    private readonly served: { stop(): Promise<void> },
  ) {}

  /** @returns null where there is no Chromium, or none that decodes H.264 */
  static async start(
    chromium: string,
    originUrls: readonly string[],
    channelId: string,
  ): Promise<Viewer | null> {
    if (!existsSync(chromium)) return null;
    const browser = await launchBrowser(chromium);
    const served = await servePage(ROOT);
    const front = await PlayerFront.start(originUrls);
    const viewer = new Viewer(browser, await browser.newPage(), front, served);
    try {
      await viewer.page.goto(served.url);
      if (!(await viewer.page.evaluate('window.canPlay()'))) {
        await viewer.stop();
        return null;
      }
      await viewer.page.evaluate(
        `window.playHls(${JSON.stringify(masterPlaylistUrl(front.url, channelId))})`,
      );
      const deadline = Date.now() + STARTS_WITHIN_MS;
      while ((await viewer.watched()).shown.length < 2) {
        if (Date.now() > deadline) throw new Error('the player shows nothing');
        await sleep(200);
      }
    } catch (error) {
      await viewer.stop();
      throw error;
    }
    return viewer;
  }

  /** How often it stood in a stretch of time as nothing more had come. Wall clock, milliseconds since 1970. */
  async stalls(fromMs: number, toMs: number): Promise<number> {
    const { starved = [] } = await this.watched();
    return starved.filter((atMs) => atMs >= fromMs && atMs <= toMs).length;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.front.stop();
    await this.served.stop();
  }

  private async watched(): Promise<Watched> {
    const [watched] = await this.page.evaluate<Watched[]>('window.watched()');
    return watched!;
  }
}
