import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import express, { Router } from 'express';
import type { OriginFor } from './public-origin';

const projectRoot = (): string => {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'web', 'index.html'))) return folder;
  }
  throw new Error('The folder web/ of the project is missing. Hint: take a complete copy of the project.');
};

/** The operator's page, and the two libraries that it uses from node_modules. */
export const createPages = (originAt: OriginFor): Router => {
  const router = Router();
  const policyFor = (originUrl: string): string =>
    [
      "default-src 'self'",
      `connect-src 'self' ${new URL(originUrl).origin}`,
      "media-src 'self' blob:",
      "worker-src 'self' blob:",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; ');
  router.use((req, res, next) => {
    res.set({
      'content-security-policy': policyFor(originAt(req.headers.host)),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    next();
  });
  const options = { fallthrough: true, maxAge: 0 };
  router.use(express.static(join(projectRoot(), 'web'), options));
  const vendor = { fallthrough: true, index: false as const, maxAge: '1h' };
  router.use('/vendor/hls', express.static(dirname(require.resolve('hls.js')), vendor));
  router.use('/vendor/uplot', express.static(dirname(require.resolve('uplot')), vendor));
  return router;
};
