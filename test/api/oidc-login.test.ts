import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { makeApiSecrets } from '../platform/support/api-secrets';
import { startIdentityProvider } from './identity-provider';
import { startFakeApi } from './running-api';

let provider: Awaited<ReturnType<typeof startIdentityProvider>>;
let secrets: Awaited<ReturnType<typeof makeApiSecrets>>;
let api: Awaited<ReturnType<typeof startFakeApi>>;
beforeAll(async () => {
  [provider, secrets] = await Promise.all([startIdentityProvider(), makeApiSecrets()]);
});
afterAll(() => Promise.all([provider.stop(), secrets.remove()]));
afterEach(async () => {
  provider.behave({});
  await api.stop();
});

const PUBLIC_URL = 'http://localhost:7700';
const start = async (more: Record<string, string> = {}): Promise<void> => {
  api = await startFakeApi(undefined, {
    ...{ ...secrets.variables, SWARM_OIDC_ISSUER: provider.url, SWARM_OIDC_CLIENT_ID: 'page' },
    ...{ SWARM_PUBLIC_API_URL: PUBLIC_URL, ...more },
  });
};

/** As the browser follows links: from another site, to this one. */
const fromAfar = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};
/** No redirect is followed. Node's fetch would write headers of its own, as of a script. */
const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => {
        const known = new Headers();
        for (const name of ['location', 'set-cookie'])
          if (answer.headers[name] !== undefined) known.set(name, String(answer.headers[name]));
        resolve(new Response(text, { status: answer.statusCode!, headers: known }));
      });
    });
    asked.on('error', reject);
    asked.end();
  });

/** Begins to log in: what the browser keeps, and with what the provider leads it back. */
const begun = async (): Promise<{ cookie: string; back: string }> => {
  const away = await get(`${api.url}/login`);
  expect(away.status).toBe(302);
  const set = away.headers.get('set-cookie') ?? '';
  expect(set).toMatch(/; Path=\/login; .*HttpOnly; SameSite=Lax$/);
  const led = await get(away.headers.get('location')!);
  const back = led.headers.get('location')!;
  expect(back).toMatch(new RegExp(`^${PUBLIC_URL}/login/callback\\?code=.*&state=`));
  return { cookie: set.split(';')[0]!, back: back.replace(PUBLIC_URL, api.url) };
};

const ended = async (back: string, cookie: string): Promise<string> => {
  const answer = await get(back, { ...fromAfar, cookie });
  expect(answer.status).toBe(303);
  return answer.headers.get('location') ?? '';
};

const loggedIn = async (where: string): Promise<unknown> => {
  const ticket = /^\/#ticket=([\w-]+)$/.exec(where)?.[1];
  const answer = await fetch(`${api.url}/api/session`, {
    method: 'POST',
    body: JSON.stringify({ ticket }),
    headers: { 'content-type': 'application/json' },
  });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0]!;
  return (await get(`${api.url}/api/session`, { cookie })).json();
};

test('whom the provider names is logged in, with the role that it gives', async () => {
  await start();
  expect(await (await get(`${api.url}/login/ways`)).json()).toEqual({ provider: true });
  provider.behave({ claims: { roles: ['viewer', 'operator'] } });
  const { cookie, back } = await begun();
  const where = await ended(back, cookie);
  expect(await loggedIn(where)).toEqual({ name: 'ann@example', role: 'operator', loginNeeded: true });
  // Neither the ticket nor the code counts twice.
  expect(await loggedIn(where)).toMatchObject({ error: { code: 'unauthenticated' } });
  expect(await ended(back, cookie)).toBe('/#refused=unauthenticated');
});

test('a client with a secret shows it', async () => {
  const file = join(secrets.folder, 'client-secret');
  await writeFile(file, 'secret-of-the-client\n');
  await start({ SWARM_OIDC_CLIENT_SECRET_FILE: file });
  provider.behave({ claims: { roles: 'admin' }, clientSecret: 'secret-of-the-client' });
  const first = await begun();
  expect(await loggedIn(await ended(first.back, first.cookie))).toMatchObject({ role: 'admin' });
  provider.behave({ claims: { roles: 'admin' }, clientSecret: 'another' });
  const second = await begun();
  expect(await ended(second.back, second.cookie)).toBe('/#refused=unauthenticated');
});

test('who did not begin here, or comes back with something else, is refused', async () => {
  await start();
  provider.behave({ claims: { roles: 'admin' } });
  const [mine, other] = [await begun(), await begun()];
  const refused = '/#refused=unauthenticated';
  expect(await ended(mine.back, '')).toBe(refused);
  // A code that somebody else got, put to this browser.
  expect(await ended(other.back, mine.cookie)).toBe(refused);
  const [name, value = ''] = mine.cookie.split('=');
  const [header, , signature] = value.split('.');
  const claims = Buffer.from(
    JSON.stringify({ aud: 'login', exp: 4e9, state: 's', nonce: 'n', verifier: 'v' }),
  );
  const forged = `${name}=${header}.${claims.toString('base64url')}.${signature}`;
  expect(await ended(`${api.url}/login/callback?code=x&state=s`, forged)).toBe(refused);
  expect(await ended(`${api.url}/login/callback?error=access_denied`, mine.cookie)).toBe(refused);
  for (const wrong of [{ nonce: 'another' }, { audience: 'another client' }, { forged: true }]) {
    provider.behave({ claims: { roles: 'admin' }, ...wrong });
    const { cookie, back } = await begun();
    expect([wrong, await ended(back, cookie)]).toEqual([wrong, refused]);
  }
  provider.behave({ claims: { roles: 'emperor' } });
  const { cookie, back } = await begun();
  expect(await ended(back, cookie)).toBe('/#refused=forbidden');
});

test('without a provider, or with one that is away, the other ways remain', async () => {
  api = await startFakeApi(undefined, secrets.variables);
  expect(await (await get(`${api.url}/login/ways`)).json()).toEqual({ provider: false });
  expect((await get(`${api.url}/login`)).status).toBe(404);
  await api.stop();
  await start({ SWARM_OIDC_ISSUER: 'http://127.0.0.1:9' });
  const away = await get(`${api.url}/login`);
  expect([away.status, await away.json()]).toMatchObject([503, { error: { code: 'unavailable' } }]);
});
