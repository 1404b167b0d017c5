import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** The page, and the players as their packages ship them for a script element. */
const files = (root: string): Record<string, [path: string, type: string]> => ({
  '/': [join(root, 'bench/players/page/index.html'), 'text/html'],
  '/watch.js': [join(root, 'bench/players/page/watch.js'), 'text/javascript'],
  '/players/hls.js': [join(root, 'node_modules/hls.js/dist/hls.min.js'), 'text/javascript'],
  '/players/dash.js': [join(root, 'node_modules/dashjs/dist/modern/umd/dash.all.min.js'), 'text/javascript'],
  '/players/shaka.js': [
    join(root, 'node_modules/shaka-player/dist/shaka-player.compiled.js'),
    'text/javascript',
  ],
});

/** Serves the page on a free port of this machine. */
export const servePage = async (root: string): Promise<{ url: string; stop(): Promise<void> }> => {
  const known = files(root);
  const server: Server = createServer((req, res) => {
    const file = known[req.url ?? ''];
    if (!file) {
      res.writeHead(404).end();
      return;
    }
    void readFile(file[0]).then((content) => res.writeHead(200, { 'content-type': file[1] }).end(content));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
