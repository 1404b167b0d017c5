import pino from 'pino';
import { openApiDocument } from '../../src/api/openapi';
import { createRoutes } from '../../src/api/routes';
import { environmentSchema } from '../../src/config/config';
import { operations, type Operation } from '../../src/contracts/api';
import { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi } from './running-api';

interface Layer {
  handle: { stack?: unknown[] };
  route?: { path: string; stack: { method: string }[] };
}

/** Every route that Express has, as `method /path` with the path as the document writes it. */
const routesOf = (router: { stack?: unknown[] }): string[] =>
  ((router.stack ?? []) as Layer[]).flatMap(({ route, handle }) =>
    route
      ? route.stack.map(({ method }) => `${method} ${route.path.replace(/[:*](\w+)/g, '{$1}')}`)
      : routesOf(handle),
  );

const document = openApiDocument('http://127.0.0.1:7700');
const documented = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method} ${path}`),
);

test('every route is in the document, and every operation of the document has a route', () => {
  const api = createRoutes(environmentSchema.parse({}), new FakeSwarm().ports(), {
    log: pino({ level: 'silent' }),
  });
  api.stop();
  const routes = routesOf(api.router);
  expect(routes.length).toBeGreaterThan(30);
  expect([...routes].sort()).toEqual([...documented].sort());
});

test('the references of the document lead somewhere, and it says what a request needs', async () => {
  const api = await startFakeApi();
  try {
    const { body } = await ask(`${api.url}/api/openapi.json`);
    expect(body.openapi).toBe('3.1.0');
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
    expect(references.length).toBeGreaterThan(10);
    for (const [, name] of references) expect(body.components.schemas).toHaveProperty(name!);
    expect(body.components.schemas.AddChannel).toMatchObject({
      required: ['id'],
      additionalProperties: false,
    });
    expect(body.components.schemas.Status).not.toHaveProperty('additionalProperties');
    const [id] = body.paths['/channels/{id}'].delete.parameters;
    expect(id).toMatchObject({ name: 'id', in: 'path', required: true });
    expect(JSON.stringify(id.schema)).toContain('a-z0-9');
    const limit = body.paths['/handoffs'].get.parameters[0];
    expect(limit).toMatchObject({ name: 'limit', in: 'query', schema: { type: 'integer', maximum: 200 } });
    expect(limit.required ?? false).toBe(false);
    const { responses } = body.paths['/channels'].post as { responses: object };
    expect(Object.keys(responses)).toEqual(['201', '400', '401', '403', '408', '409', '422', '503', '507']);
  } finally {
    await api.stop();
  }
});

test('answers hold nothing that their schemas do not name', async () => {
  const api = await startFakeApi();
  try {
    api.swarm.rollouts.run();
    await ask(`${api.url}/api/channels/ch-1/handoff`, { json: {} });
    const values = { id: 'none', subject: 'ch-1' };
    const asked = Object.values<Operation>(operations).filter(
      ({ method, stream, path }) => method === 'get' && !stream && path !== '/models/{id}',
    );
    for (const { path, query, answers } of asked) {
      const search = query && 'channel' in query.shape ? '?channel=ch-1&encoder=enc-3' : '';
      const url = path.replace(/\{(\w+)\}/g, (_, name: 'id' | 'subject') => values[name]);
      const { status, body } = await ask(`${api.url}/api${url}${search}`);
      expect([path, status]).toEqual([path, 200]);
      expect([path, answers[200]?.parse(body)]).toEqual([path, body]);
    }
  } finally {
    await api.stop();
  }
});

test('a path refuses the methods that it does not have, and says which it has', async () => {
  const api = await startFakeApi();
  try {
    const tried = async (method: string, path: string): Promise<unknown[]> => {
      const response = await fetch(`${api.url}/api${path}`, { method });
      const text = await response.text();
      const code = text && (JSON.parse(text) as { error: { code: string } }).error.code;
      return [response.status, response.headers.get('allow'), code];
    };
    expect(await tried('PATCH', '/channels')).toEqual([
      405,
      'GET, HEAD, POST, OPTIONS',
      'method-not-allowed',
    ]);
    // A path without parameters goes before one that has them.
    expect(await tried('GET', '/models/retrain')).toEqual([405, 'POST, OPTIONS', 'method-not-allowed']);
    expect(await tried('PUT', '/versions/a-build')).toEqual([405, 'DELETE, OPTIONS', 'method-not-allowed']);
    expect(await tried('OPTIONS', '/versions/target')).toEqual([204, 'PUT, OPTIONS', '']);
    expect(await tried('HEAD', '/channels')).toEqual([200, null, '']);
    expect(await tried('GET', '/nothing')).toEqual([404, null, 'not-found']);
    expect((await ask(`${api.url}/api/nothing`)).body.error.message).toBe('There is no GET /api/nothing.');
  } finally {
    await api.stop();
  }
});
