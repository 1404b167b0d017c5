import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, exportJWK, type JWTPayload } from 'jose';
import { ROLES } from '../../../src/domain';

const secret = (): string => randomBytes(32).toString('hex');

const HOUR_MS = 3_600_000;

/** Tokens of every kind, right and wrong, in a folder of their own. */
export const makeApiSecrets = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'api-secrets-'));
  const tokens = {
    viewer: secret(),
    operator: secret(),
    admin: secret(),
    expired: secret(),
    'of another cell': secret(),
  };
  const entries = [
    ...ROLES.map((role) => ({ name: `a-${role}`, role, token: tokens[role] })),
    { name: 'late', role: 'admin', token: tokens.expired, expires: '2026-01-01T00:00:00Z' },
    { name: 'far', role: 'admin', token: tokens['of another cell'], cell: 'elsewhere' },
  ];
  const tokensFile = join(folder, 'tokens.json');
  await writeFile(tokensFile, JSON.stringify({ tokens: entries }));
  const variables = { SWARM_STATE_DIR: folder, SWARM_API_TOKENS_FILE: tokensFile };
  return {
    folder,
    tokensFile,
    tokens,
    variables,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** An identity provider, as far as the API asks it: discovery and keys. */
export const startIssuer = async () => {
  const [own, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  let url = '';
  const server = createServer((req, res) => {
    res.setHeader('content-type', 'application/json');
    if (req.url === '/.well-known/openid-configuration')
      res.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
    else
      void exportJWK(own!.publicKey).then((key) =>
        res.end(JSON.stringify({ keys: [{ ...key, kid: 'k', alg: 'ES256', use: 'sig' }] })),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** A token that counts, but for what is given. */
  const sign = (claims: JWTPayload = {}, { forged = false } = {}): Promise<string> => {
    const nowS = Math.floor(Date.now() / 1000);
    const all = { iss: url, aud: 'encoder-swarm', sub: 'ann@example', exp: nowS + HOUR_MS / 1000, ...claims };
    return new SignJWT(all)
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign((forged ? other! : own!).privateKey);
  };
  return {
    url,
    sign,
    stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
};
