import { userInfo } from 'node:os';
import { join } from 'node:path';
import { toolsCacheDir } from '../../src/setup/executables';

test.each([
  ['that is set', { HOME: '/home/swarm' }, '/home/swarm/.cache'],
  ['that is empty', { HOME: '' }, join(userInfo().homedir, '.cache')],
  ['that is not set', {}, join(userInfo().homedir, '.cache')],
  ['beside a cache of its own', { HOME: '', XDG_CACHE_HOME: '/var/cache' }, '/var/cache'],
])('tools are looked for below a HOME %s', (_, env, cache) => {
  expect(toolsCacheDir(env)).toBe(join(cache, 'encoder-swarm'));
});
