import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, type JWTPayload } from 'jose';

interface Begun {
  challenge: string;
  nonce: string;
  redirectUri: string;
  clientId: string;
}

/** What a test has the provider do wrong, or say of who logs in. */
export interface Behaviour {
  claims?: JWTPayload;
  nonce?: string;
  audience?: string;
  forged?: boolean;
  /** It asks for this secret. */
  clientSecret?: string;
}

/** An identity provider that lets everyone in at once: OpenID Connect, authorization code with PKCE. */
export const startIdentityProvider = async () => {
  const [own, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const codes = new Map<string, Begun>();
  let url = '';
  let behaviour: Behaviour = {};

  const discovery = (): object => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['none', 'ES256'],
    code_challenge_methods_supported: ['S256'],
  });

  const idToken = (begun: Begun): Promise<string> => {
    const nowS = Math.floor(Date.now() / 1000);
    const { claims, nonce = begun.nonce, audience = begun.clientId, forged } = behaviour;
    return new SignJWT({ sub: 'ann@example', nonce, iat: nowS, exp: nowS + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(url)
      .setAudience(audience)
      .sign((forged ? other! : own!).privateKey);
  };

  const tokens = async (body: URLSearchParams, authorization: string | undefined): Promise<object | null> => {
    const code = body.get('code') ?? '';
    const begun = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (!begun || begun.challenge !== challenge || begun.redirectUri !== body.get('redirect_uri'))
      return null;
    const { clientSecret } = behaviour;
    const expected = Buffer.from(`${begun.clientId}:${clientSecret}`).toString('base64');
    if (clientSecret !== undefined && authorization !== `Basic ${expected}`) return null;
    return { access_token: 'opaque', token_type: 'Bearer', expires_in: 60, id_token: await idToken(begun) };
  };

  const server = createServer((req, res) => {
    const json = (status: number, value: unknown): void => {
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const { pathname, searchParams: query } = new URL(req.url ?? '', url);
    if (pathname === '/.well-known/openid-configuration') json(200, discovery());
    else if (pathname === '/keys')
      void exportJWK(own!.publicKey).then((key) =>
        json(200, { keys: [{ ...key, kid: 'k', alg: 'ES256', use: 'sig' }] }),
      );
    else if (pathname === '/authorize') {
      const code = randomUUID();
      const given = (name: string): string => query.get(name) ?? '';
      codes.set(code, {
        challenge: given('code_challenge'),
        nonce: given('nonce'),
        redirectUri: given('redirect_uri'),
        clientId: given('client_id'),
      });
      const back = new URL(given('redirect_uri'));
      back.searchParams.set('code', code);
      back.searchParams.set('state', given('state'));
      res.writeHead(302, { location: back.href }).end();
    } else {
      let text = '';
      req.on('data', (chunk) => (text += String(chunk)));
      req.on('end', () => {
        void tokens(new URLSearchParams(text), req.headers.authorization).then((answer) =>
          json(answer ? 200 : 400, answer ?? { error: 'invalid_grant' }),
        );
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    behave: (now: Behaviour): void => {
      behaviour = now;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
};
