import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { RunningApi } from '../../src/api/server';
import { makeApiSecrets } from '../platform/support/api-secrets';
import { FakeSwarm } from './fake-swarm';
import { moveResult } from './move-result';
import { amberPoints, faintTexts, namelessControls } from './page-audit';
import { ask, startFakeApi } from './running-api';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present)
  console.warn(`No browser at ${executablePath}: the page's tests are skipped. Set CHROMIUM to run them.`);

(present ? describe : describe.skip)('the page in a real browser', () => {
  let browser: Browser;
  let page: Page;
  let api: RunningApi & { swarm: FakeSwarm };
  let faults: string[];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    });
  });
  afterAll(() => browser?.close());

  const open = async (swarm: FakeSwarm, viewport = { width: 1280, height: 900 }): Promise<void> => {
    // Nothing listens there: the player must live with it.
    api = await startFakeApi(swarm, { SWARM_ORIGIN_URL: 'http://127.0.0.1:1' });
    page = await browser.newPage({ viewport });
    faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) faults.push(message.text());
    });
    await page.goto(api.url);
    await page.waitForSelector('#health:not([data-level="unknown"])');
  };
  afterEach(async () => {
    await page?.close();
    await api?.stop();
    expect(faults).toEqual([]);
  });

  const text = (selector: string): Promise<string> => page.innerText(selector);

  test('shows encoders, channels, forecasts, moves and the player', async () => {
    const swarm = new FakeSwarm();
    swarm.remember(moveResult('ch-2', 'enc-1', 'enc-2', 4, { reason: 'predicted-overload' }));
    swarm.cordons['enc-3'] = { draining: false, by: 'operator', atMs: 1 };
    await open(swarm);
    expect(await text('#cell')).toBe('local');
    expect(await text('#on-air')).toBe('6 of 6');
    expect(await text('#overloaded')).toBe('1');
    expect(await text('#problems')).toContain('enc-1 is overloaded');
    const cards = page.locator('#encoders .card');
    expect(await cards.count()).toBe(3);
    expect(await cards.nth(0).innerText()).toMatch(
      /enc-1[\s\S]*Overloaded[\s\S]*Fitness 0\.52[\s\S]*headroom 0\.30/,
    );
    expect(await cards.nth(2).innerText()).toContain('Cordoned');
    const rows = page.locator('#channels tbody tr');
    expect(await rows.count()).toBe(6);
    expect(await rows.nth(0).locator('.rung.on').count()).toBe(3);
    await page.waitForSelector('#charts canvas');
    expect(await page.locator('#charts canvas').count()).toBe(4);
    await page.waitForSelector('.sparkline .past[points]', { state: 'attached' });
    const move = page.locator('#moves tbody tr').first();
    expect(await move.innerText()).toMatch(
      /ch-2[\s\S]*forecast above limit[\s\S]*enc-1 → enc-2[\s\S]*182 ms[\s\S]*completed/,
    );
    expect(await move.locator('a').getAttribute('href')).toContain('/workflows/handoff%2Fch-2');
    await page.waitForSelector('#player-message:has-text("can\'t be played")');
    expect(await page.locator('#player-channel option').count()).toBe(6);
  });

  test('shows known events in the charts, how forecasts fared, and which of them drift', async () => {
    const swarm = new FakeSwarm();
    const now = Date.now();
    const event = { level: 1, channelIds: ['ch-1'], startsAtMs: now + 10_000, endsAtMs: now + 40_000 };
    swarm.events.set('final', { id: 'final', title: 'Cup final', ...event });
    swarm.learned = [
      {
        ...{ kind: 'viewers', id: 'ch-2', lead: 8, targetMs: now, alarmSteps: 20 },
        ...{ widthLow: 1, widthHigh: 2.4, shift: 0, tooLow: 0, tooHigh: 0 },
      },
    ];
    await open(swarm);
    await page.waitForSelector('#charts canvas');
    expect(await page.locator('#charts figure').count()).toBe(4);
    expect(await text('#next-events')).toMatch(/^Known events: Cup final, \d\d:\d\d:\d\d to/);
    const chartOf = (name: string) => page.locator(`#charts figure:has(b:text-is("${name}")) .plot`);
    expect(await chartOf('enc-1').getAttribute('aria-label')).toContain('known events: Cup final');
    expect(await chartOf('enc-2').getAttribute('aria-label')).not.toContain('known events');
    expect(await chartOf('CDN eu').getAttribute('aria-label')).toContain('P90 peaks at 0.7');
    await page.waitForSelector('#accuracy tbody tr');
    expect(await text('#accuracy-model')).toContain('model in use: seasonal-naive');
    const drifting = page.locator('#accuracy tbody tr:has-text("drifts")');
    expect(await drifting.count()).toBe(1);
    expect(await drifting.innerText()).toMatch(/ch-2 viewers[\s\S]*8[\s\S]*160[\s\S]*79 %[\s\S]*11 %/);
    expect(await text('#problems')).toContain('Forecasts of the viewers of ch-2 drift');
    // The marker is drawn: in its times there is amber that a chart without the event lacks.
    const amberIn = (name: string) => page.evaluate(`(${amberPoints.toString()})(${JSON.stringify(name)})`);
    expect(await amberIn('enc-1')).toBeGreaterThan(20);
    expect(await amberIn('enc-2')).toBe(0);
  });

  test('shows a rollout with its verdict, and asks where it holds', async () => {
    const swarm = new FakeSwarm();
    swarm.rollouts.run('ffmpeg-7');
    await open(swarm);
    await page.waitForSelector('#rollout:not([hidden])');
    expect(await text('#rollout-heading')).toBe('Rollout of ffmpeg-7');
    expect(await text('#rollout-phase')).toBe('Watching');
    expect(await text('#rollout-encoders')).toMatch(/enc-1\s+upgraded\s+canary, zone a, was older/);
    expect(await text('#rollout-skipped')).toBe('enc-4 is left as it is: it does not answer.');
    expect(await text('#rollout-metrics tbody')).toMatch(/quality\s+15\.0\s+15\.5\s+1 of 8/);
    expect(await page.locator('#rollout-metrics td:not([data-label])').count()).toBe(0);
    await page.click('#rollout-actions button:has-text("Pause")');
    await page.waitForSelector('#rollout-phase:has-text("paused")');
    swarm.rollouts.run('ffmpeg-7', { phase: 'holding' });
    await page.click('#rollout-actions button:has-text("Continue")');
    await page.waitForSelector('#rollout-phase:has-text("Watching")');
    expect(swarm.rollouts.asked).toEqual(['pause', 'continue']);
    expect(await page.evaluate(`(${namelessControls.toString()})()`)).toEqual([]);
    expect(await page.evaluate(`(${faintTexts.toString()})()`)).toEqual([]);
  });

  test('hands a channel off, and shows a refusal with its hint', async () => {
    await open(new FakeSwarm());
    const row = page.locator('#channels tbody tr').first();
    await row.locator('select').selectOption('enc-3');
    await row.getByRole('button', { name: 'Hand off' }).click();
    await page.waitForSelector('.notice.good');
    expect(await text('.notice.good')).toContain('ch-1 moved from enc-1 to enc-3.');
    await page.waitForSelector('#channels tbody tr:first-child td[data-label="Owner"]:has-text("enc-3")');
    api.swarm.full.add('enc-2');
    await row.locator('select').selectOption('enc-2');
    await row.getByRole('button', { name: 'Hand off' }).click();
    await page.waitForSelector('.notice.bad');
    expect(await text('.notice.bad')).toContain('enc-2 has no room for ch-1.');
    expect(await text('.notice.bad')).toContain('ch-1 is on enc-3. See: encoder-swarm explain handoff/ch-1/');
  });

  test('cordons at once, drains after a question', async () => {
    await open(new FakeSwarm());
    await page.getByRole('button', { name: 'Cordon enc-2', exact: true }).click();
    await page.getByRole('button', { name: 'Uncordon enc-2' }).waitFor();
    expect(api.swarm.cordons['enc-2']).toMatchObject({ draining: false });
    await page.getByRole('button', { name: 'Drain enc-3' }).click();
    expect(await text('#confirm')).toContain('Drain enc-3?');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(api.swarm.cordons['enc-3']).toBeUndefined();
    await page.getByRole('button', { name: 'Drain enc-3' }).click();
    await page.locator('#confirm-yes').click();
    await page.waitForSelector('.notice.good:has-text("enc-3 is being drained.")');
    expect(api.swarm.cordons['enc-3']).toMatchObject({ draining: true });
  });

  test('explains a move in words', async () => {
    const swarm = new FakeSwarm();
    swarm.remember(moveResult('ch-1', 'enc-1', 'enc-2', 4, { reason: 'predicted-overload' }));
    await open(swarm);
    await page.getByRole('button', { name: 'Explain ch-1' }).click();
    await page.waitForSelector('#story[open]');
    expect(await text('#story')).toMatch(
      /ch-1 moved: enc-1 to enc-2[\s\S]*forecast P90 units: 5\.9[\s\S]*enc-9: cordoned/,
    );
    await page.keyboard.press('Escape');
    await page.waitForSelector('#story:not([open])', { state: 'attached' });
  });

  test('says what is missing, that there is nothing yet, and that the swarm is gone', async () => {
    const swarm = new FakeSwarm({ channels: 0 });
    swarm.silent.add('temporal');
    await open(swarm);
    expect(await text('#problems')).toContain('Temporal does not answer');
    expect(await text('#channels-empty')).toContain('encoder-swarm channel add NAME');
    expect(await text('#moves-empty')).toContain('No channel has been moved yet.');
    expect(await text('#player-message')).toBe('No channel to play.');
    await api.stop();
    await page.waitForSelector('#connection:not([hidden])', { timeout: 15_000 });
    expect(await text('#connection')).toContain('Connection lost. What you see is from');
    expect(await page.locator('#main').getAttribute('inert')).not.toBeNull();
  });

  test('fits a phone without scrolling sideways', async () => {
    await open(new FakeSwarm(), { width: 390, height: 844 });
    await page.waitForSelector('#charts canvas');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  test('every control has a name, and texts stand out from their ground', async () => {
    await open(new FakeSwarm());
    const nameless = await page.evaluate(`(${namelessControls.toString()})()`);
    expect(nameless).toEqual([]);
    const contrasts = await page.evaluate(`(${faintTexts.toString()})()`);
    expect(contrasts).toEqual([]);
  });

  test('asks for a token, and logs in by a ticket that it hides; a viewer is told what he may not do', async () => {
    const secrets = await makeApiSecrets();
    api = await startFakeApi(undefined, { ...secrets.variables, SWARM_ORIGIN_URL: 'http://127.0.0.1:1' });
    page = await browser.newPage();
    faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    try {
      await page.goto(api.url);
      await page.waitForSelector('#login[open]');
      expect(await page.locator('#encoders .card').count()).toBe(0);
      await page.fill('#login-token', 'x'.repeat(64));
      await page.click('#login-form button');
      await page.waitForSelector('#login-error:has-text("not known")');
      await page.fill('#login-token', secrets.tokens.viewer);
      await page.keyboard.press('Enter');
      await page.waitForSelector('#health:not([data-level="unknown"])');
      expect(await text('#who-name')).toBe('a-viewer, viewer');
      // No script sees what it is logged in by.
      expect(await page.evaluate('document.cookie')).toBe('');
      await page.click('#encoders .card:first-child button:has-text("Drain")');
      await page.click('#confirm-yes');
      await page.waitForSelector('.notice.bad:has-text("for the role operator")');
      expect(api.swarm.cordons).toEqual({});

      await page.click('#log-out');
      await page.waitForSelector('#login[open]');
      const { body } = await ask(`${api.url}/api/session/ticket`, {
        ...{ method: 'POST', headers: { authorization: `Bearer ${secrets.tokens.operator}` } },
      });
      const withTicket = `${api.url}/#ticket=${body.ticket}`;
      // An address that differs in its fragment alone is no reload.
      await page.goto('about:blank');
      await page.goto(withTicket);
      await page.waitForSelector('#health:not([data-level="unknown"])');
      expect(await text('#who-name')).toBe('a-operator, operator');
      expect(page.url()).toBe(`${api.url}/`);
      await page.reload();
      await page.waitForSelector('#health:not([data-level="unknown"])');

      // One that is over leads to the form, and says why.
      const others = await browser.newContext();
      const stranger = await others.newPage();
      await stranger.goto(withTicket);
      await stranger.waitForSelector('#login[open] #login-error:has-text("has been used")');
      await others.close();

      // A session that ends while the page is open.
      await writeFile(secrets.tokensFile, 'tokens: []');
      await page.waitForSelector('#login[open]');
    } finally {
      await secrets.remove();
    }
  });
});
