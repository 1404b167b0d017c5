import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { ApiGate, TICKET_MS } from '../../src/api/identity/api-gate';
import { environmentSchema } from '../../src/config/config';
import type { MoveRequest } from '../../src/domain';
import { runCli } from '../cli/run-cli';
import { makeApiSecrets, startIssuer } from '../platform/support/api-secrets';
import { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi, type Answer } from './running-api';

let secrets: Awaited<ReturnType<typeof makeApiSecrets>>;
beforeEach(async () => {
  secrets = await makeApiSecrets();
});
afterEach(() => secrets.remove());

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const log = pino({ level: 'silent' });

type Api = Awaited<ReturnType<typeof startFakeApi>>;
const sessionOf = (api: Api, headers: Record<string, string>): Promise<Answer> =>
  ask(`${api.url}/api/session`, { headers });

/** What the API says of a request that it refuses for who sends it. */
const refused = ({ status, body }: Answer): unknown[] => [status, body.error.code];

describe('JWTs of an identity provider', () => {
  let issuer: Awaited<ReturnType<typeof startIssuer>>;
  let api: Api;
  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(() => issuer.stop());
  const start = async (more: Record<string, string> = {}): Promise<void> => {
    const variables = { ...secrets.variables, SWARM_OIDC_ISSUER: issuer.url, ...more };
    api = await startFakeApi(undefined, variables);
  };
  afterEach(() => api.stop());

  test('are verified: signature, issuer, audience, time, role and cell', async () => {
    await start({ SWARM_OIDC_ROLE_CLAIM: 'realm_access.roles', SWARM_OIDC_CELL_CLAIM: 'cells' });
    const good = { realm_access: { roles: ['offline', 'viewer', 'operator'] }, cells: ['local'] };
    const nowS = Math.floor(Date.now() / 1000);
    const as = async (claims: object, options = {}): Promise<Answer> =>
      sessionOf(api, bearer(await issuer.sign({ ...good, ...claims }, options)));
    expect(await as({ sub: 'ann/x y' })).toEqual({
      ...{ status: 200, body: { name: 'ann_x_y', role: 'operator', loginNeeded: true } },
    });
    const unknown = [401, 'unauthenticated'];
    expect(refused(await as({ exp: nowS - 60 }))).toEqual(unknown);
    expect(refused(await as({ nbf: nowS + 600 }))).toEqual(unknown);
    expect(refused(await as({ exp: undefined }))).toEqual(unknown);
    expect(refused(await as({ sub: undefined }))).toEqual(unknown);
    expect(refused(await as({ aud: 'another api' }))).toEqual(unknown);
    expect(refused(await as({ iss: 'https://evil.example' }))).toEqual(unknown);
    expect(refused(await as({}, { forged: true }))).toEqual(unknown);
    const [, payload = ''] = (await issuer.sign(good)).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    expect(refused(await sessionOf(api, bearer(`${none}.${payload}.`)))).toEqual(unknown);
    const forbidden = [403, 'forbidden'];
    expect(refused(await as({ realm_access: { roles: ['root'] } }))).toEqual(forbidden);
    expect(refused(await as({ realm_access: undefined }))).toEqual(forbidden);
    expect(refused(await as({ cells: ['elsewhere'] }))).toEqual(forbidden);
    expect(refused(await as({ cells: undefined }))).toEqual(forbidden);
  });

  test('of a provider that does not answer are not taken, and static tokens are', async () => {
    await start({ SWARM_OIDC_ISSUER: 'http://127.0.0.1:9' });
    const answer = await sessionOf(api, bearer(await issuer.sign({ roles: 'admin' })));
    expect(refused(answer)).toEqual([503, 'unavailable']);
    expect((await sessionOf(api, bearer(secrets.tokens.viewer))).status).toBe(200);
  });

  test('open a session that ends with them', async () => {
    await start();
    const exp = Math.floor(Date.now() / 1000) + 100;
    const token = await issuer.sign({ roles: 'operator', exp });
    const answer = await fetch(`${api.url}/api/session`, {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: { 'content-type': 'application/json' },
    });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(Number(/Max-Age=(\d+)/.exec(cookie)?.[1])).toBeLessThanOrEqual(100);
    expect((await sessionOf(api, { cookie: cookie.split(';')[0]! })).body).toMatchObject({
      role: 'operator',
    });
  });
});

test('tokens are read again when their file changes; one that is gone counts no more, nor does its session', async () => {
  const api = await startFakeApi(undefined, secrets.variables);
  try {
    const { tokensFile, tokens } = secrets;
    const text = await readFile(tokensFile, 'utf8');
    const login = await fetch(`${api.url}/api/session`, {
      method: 'POST',
      body: JSON.stringify({ token: tokens.operator }),
      headers: { 'content-type': 'application/json' },
    });
    const set = login.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/; Path=\/; .*HttpOnly; SameSite=Strict$/);
    expect(set).not.toContain(tokens.operator);
    const cookie = { cookie: `other=1; ${set.split(';')[0]}` };
    expect((await sessionOf(api, cookie)).body).toMatchObject({ name: 'a-operator', role: 'operator' });

    const change = async (content: string): Promise<void> => {
      await writeFile(`${tokensFile}.new`, content);
      await rename(`${tokensFile}.new`, tokensFile);
    };
    await change(`tokens:\n  - { name: ann, role: viewer, token: ${tokens.operator} }\n`);
    expect((await sessionOf(api, cookie)).body).toMatchObject({ name: 'ann', role: 'viewer' });
    await change('tokens: [{ name: x, role: emperor }]');
    expect((await sessionOf(api, cookie)).body).toMatchObject({ name: 'ann' });
    await change('tokens: []');
    expect(refused(await sessionOf(api, cookie))).toEqual([401, 'unauthenticated']);
    expect(refused(await sessionOf(api, bearer(tokens.admin)))).toEqual([401, 'unauthenticated']);
    await change(text);
    expect((await sessionOf(api, bearer(tokens.admin))).status).toBe(200);
    await rm(tokensFile);
    expect(refused(await sessionOf(api, bearer(tokens.admin)))).toEqual([401, 'unauthenticated']);
  } finally {
    await api.stop();
  }
});

test('a ticket logs in once, as who asked for it, within its time; a session ends', async () => {
  let nowMs = Date.now();
  const environment = environmentSchema.parse(secrets.variables);
  const gate = (await ApiGate.open(environment, log, () => nowMs))!;
  const operator = (await gate.identify(bearer(secrets.tokens.operator)))!;
  const ticket = gate.ticketFor(operator);
  // Behind a proxy, another API than the one that gave it out may be asked: it takes it, once for all of them.
  const second = (await ApiGate.open(environment, log, () => nowMs))!;
  const { cookie, maxAgeMs } = await second.logIn({ ticket });
  await expect(second.logIn({ ticket })).rejects.toMatchObject({ code: 'unauthenticated' });
  const session = { cookie: `${gate.cookieName}=${cookie}` };
  expect(await gate.identify(session)).toEqual({ name: 'a-operator', role: 'operator' });
  const unauthenticated = { code: 'unauthenticated' };
  await expect(gate.logIn({ ticket })).rejects.toMatchObject(unauthenticated);
  const late = gate.ticketFor(operator);
  nowMs += TICKET_MS;
  await expect(gate.logIn({ ticket: late })).rejects.toMatchObject(unauthenticated);
  nowMs += maxAgeMs;
  await expect(gate.identify(session)).rejects.toMatchObject(unauthenticated);

  // It outlasts a restart, and is of no use to another swarm.
  const fresh = await gate.logIn({ token: secrets.tokens.viewer });
  const again = (await ApiGate.open(environment, log, () => nowMs))!;
  const shown = { cookie: `${again.cookieName}=${fresh.cookie}` };
  expect(await again.identify(shown)).toMatchObject({ role: 'viewer' });
  const others = await makeApiSecrets();
  const other = (await ApiGate.open(environmentSchema.parse(others.variables), log))!;
  expect(other.cookieName).not.toBe(gate.cookieName);
  const moved = { cookie: `${other.cookieName}=${fresh.cookie}` };
  await expect(other.identify(moved)).rejects.toMatchObject(unauthenticated);
  await others.remove();
});

test('files of tokens that can not be used keep the API from starting, and are not quoted', async () => {
  const file = join(secrets.folder, 'bad.yaml');
  const environment = environmentSchema.parse({ ...secrets.variables, SWARM_API_TOKENS_FILE: file });
  const content = `tokens:\n  - { name: ann, role: viewer, token: ${'s3cret'.repeat(2)} }\n`;
  await expect(ApiGate.open(environment, log)).rejects.toMatchObject({ code: 'bad-request' });
  await writeFile(file, content);
  const error = await ApiGate.open(environment, log).catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'bad-request' });
  expect(`${(error as Error).message}`).toMatch(/tokens\.0\.token/);
  expect(`${(error as Error).message}`).not.toContain('s3cret');
});

test('who asked for what, and why, is told; commands carry the name, and reads are not noted', async () => {
  const swarm = new FakeSwarm();
  const ports = swarm.ports();
  const moves: MoveRequest[] = [];
  const move: typeof ports.orchestration.move = (id, request) => {
    moves.push(request);
    return ports.orchestration.move(id, request);
  };
  swarm.ports = () => ({ ...ports, orchestration: { ...ports.orchestration, move } });
  const api = await startFakeApi(swarm, secrets.variables);
  try {
    const operator = bearer(secrets.tokens.operator);
    const post = (path: string, json: object): Promise<Answer> =>
      ask(`${api.url}/api${path}`, { json, headers: operator });
    expect((await post('/encoders/enc-2/cordon', { reason: 'new disks' })).status).toBe(200);
    expect((await post('/channels/none/handoff', {})).status).toBe(404);
    expect((await post('/channels/ch-1/handoff', { encoderId: 'enc-3' })).status).toBe(200);
    await ask(`${api.url}/api/status`, { headers: operator });
    const { body } = await ask(`${api.url}/api/audit?limit=10`, { headers: operator });
    const [moved, ...others] = body;
    expect(moved).toEqual({
      ...{ atMs: expect.any(Number), by: 'a-operator', role: 'operator', command: 'handoff', about: 'ch-1' },
      outcome: 'done',
    });
    expect(others).toMatchObject([
      { command: 'handoff', about: 'none', outcome: 'unknown-channel' },
      { command: 'cordon', about: 'enc-2', reason: 'new disks', outcome: 'done' },
    ]);
    expect(others).toHaveLength(2);
    expect(moves.map(({ requestedBy }) => requestedBy)).toEqual(['a-operator', 'a-operator']);
    // It is there after a restart.
    const again = await startFakeApi(undefined, secrets.variables);
    const later = await ask(`${again.url}/api/audit`, { headers: operator });
    await again.stop();
    expect(later.body).toEqual(body);
  } finally {
    await api.stop();
  }
});

test('the command line shows the token of the state folder, or the one that is named', async () => {
  const admin = join(secrets.folder, 'secrets', 'admin-token');
  await ApiGate.open(environmentSchema.parse(secrets.variables), log);
  await writeFile(admin, `${secrets.tokens.admin}\n`);
  const viewer = join(secrets.folder, 'viewer-token');
  await writeFile(viewer, secrets.tokens.viewer);
  const api = await startFakeApi(undefined, secrets.variables);
  try {
    const run = (args: string[], env: Record<string, string>) =>
      runCli([...args, '--json', '--api', api.url], { env: { SWARM_STATE_DIR: secrets.folder, ...env } });
    const [own, named, stranger, login] = await Promise.all([
      run(['encoder', 'cordon', 'enc-2', '--reason', 'new disks'], {}),
      run(['encoder', 'cordon', 'enc-3', '--token-file', viewer], {}),
      run(['status'], { SWARM_STATE_DIR: join(secrets.folder, 'none') }),
      run(['login'], { SWARM_TOKEN_FILE: viewer }),
    ]);
    expect(own.code).toBe(0);
    expect(JSON.parse(named.stderr)).toMatchObject({ error: { code: 'forbidden' } });
    const { error } = JSON.parse(stranger.stderr) as { error: { code: string; hint: string } };
    expect(error).toMatchObject({ code: 'unauthenticated', hint: expect.stringContaining('--token-file') });
    expect(Object.keys(api.swarm.cordons)).toEqual(['enc-2']);
    const { url } = JSON.parse(login.stdout) as { url: string };
    const ticket = url.replace(`${api.url}/#ticket=`, '');
    const answer = await ask(`${api.url}/api/session`, { json: { ticket } });
    expect(answer).toMatchObject({ status: 200, body: { name: 'a-viewer', role: 'viewer' } });
  } finally {
    await api.stop();
  }
});
