import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import express, { Router } from 'express';
import helmet from 'helmet';
import type { OriginFor } from '../config/public-origin';
import type { Route } from '../platform/route';

const projectRoot = (): string => {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'web', 'index.html'))) return folder;
  }
  throw new Error('The folder web/ of the project is missing. Hint: take a complete copy of the project.');
};

/** What the page is made of. Other sites may lead a browser to it. */
export const pageRoutes = (): Route[] => {
  const files = readdirSync(join(projectRoot(), 'web'), { withFileTypes: true });
  const paths = files.map((file) => (file.isDirectory() ? `/${file.name}/*file` : `/${file.name}`));
  return ['/', ...paths, '/vendor/*file'].map((path) => ({
    method: 'GET',
    path,
    access: 'public',
    sites: 'links',
  }));
};

/** The operator's page, and the two libraries that it uses from node_modules. */
export const createPages = (originAt: OriginFor): Router => {
  const router = Router();
  router.use(
    helmet.contentSecurityPolicy({
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'connect-src': ["'self'", (req) => new URL(originAt(req.headers.host)).origin],
        'media-src': ["'self'", 'blob:'],
        'worker-src': ["'self'", 'blob:'],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'frame-ancestors': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
      },
    }),
  );
  const options = { fallthrough: true, maxAge: 0 };
  router.use(express.static(join(projectRoot(), 'web'), options));
  const vendor = { fallthrough: true, index: false as const, maxAge: '1h' };
  router.use('/vendor/hls', express.static(dirname(require.resolve('hls.js')), vendor));
  router.use('/vendor/uplot', express.static(dirname(require.resolve('uplot')), vendor));
  return router;
};
