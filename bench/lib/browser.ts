import { chromium, type Browser } from 'playwright-core';

/** All players stay in sight and play without a click. */
const BROWSER_ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  ...['--autoplay-policy=no-user-gesture-required', '--disable-background-media-suspend'],
  ...['--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'],
];

/** Where Chromium is looked for. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: BROWSER_ARGS });
