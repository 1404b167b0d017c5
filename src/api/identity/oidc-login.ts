import { readFile } from 'node:fs/promises';
import { SignJWT, jwtVerify } from 'jose';
import type * as OpenId from 'openid-client';
import { SwarmError, type Caller } from '../../domain';
import { notKnown } from '../../platform/gate';
import { ALGORITHMS, callerOfClaims, type ClaimRules } from './jwt';

/** A login that takes longer has to be begun again. */
export const LOGIN_MS = 10 * 60_000;
const ASK_LIMIT_MS = 5_000;
const HINT = 'Log in again.';

export interface OidcOptions {
  /** Base URL of the identity provider. */
  issuer: string;
  clientId: string;
  /** Absent: a public client, which PKCE alone protects. */
  clientSecretFile: string | undefined;
  /** Where the provider leads the browser back to. */
  redirectUri: string;
  rules: ClaimRules;
  /** Signs what the browser keeps meanwhile. */
  key: Buffer;
}

/** What a browser keeps until it comes back. */
interface Pending {
  state: string;
  nonce: string;
  verifier: string;
}

/**
 * Logs people in at an identity provider: OpenID Connect, authorization code with PKCE. The provider is found by
 * discovery at the first login. All state of a login is with the browser, signed: nobody can fill a memory with logins.
 */
export class OidcLogin {
  private known: Promise<{ client: OpenId.BaseClient; library: typeof OpenId }> | undefined;

  constructor(private readonly options: OidcOptions) {}

  /**
   * @returns where to send the browser, and what it has to show when it comes back
   * @throws SwarmError unavailable where the provider does not answer
   */
  async begin(): Promise<{ url: string; kept: string }> {
    const { client, library } = await this.provider();
    const { state, nonce, codeVerifier, codeChallenge } = library.generators;
    const pending: Pending = { state: state(), nonce: nonce(), verifier: codeVerifier() };
    const kept = await new SignJWT({ ...pending })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('login')
      .setExpirationTime(Math.floor((Date.now() + LOGIN_MS) / 1000))
      .sign(this.options.key);
    const url = client.authorizationUrl({
      scope: 'openid profile',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: codeChallenge(pending.verifier),
      code_challenge_method: 'S256',
    });
    return { url, kept };
  }

  /**
   * @param answer query of the request with which the browser came back
   * @throws SwarmError unauthenticated; forbidden without a role here or for another cell; unavailable
   */
  async finish(answer: Record<string, unknown>, kept: string | undefined): Promise<Caller> {
    const { state, nonce, verifier } = await this.pendingOf(kept);
    const { client, library } = await this.provider();
    const params = Object.fromEntries(
      ['code', 'state', 'iss', 'error', 'error_description'].flatMap((name) => {
        const value = answer[name];
        return typeof value === 'string' ? [[name, value]] : [];
      }),
    ) as Record<string, string>;
    const checks = { state, nonce, code_verifier: verifier, response_type: 'code' };
    const tokens = await client.callback(this.options.redirectUri, params, checks).catch((error: unknown) => {
      const { OPError, RPError } = library.errors;
      // What it answered, or what that lacks; everything else is that it did not.
      if (!(error instanceof OPError || error instanceof RPError)) throw this.silent(error);
      throw notKnown(`What the identity provider answered can't be used: ${error.message}.`, HINT);
    });
    return callerOfClaims(tokens.claims(), this.options.rules);
  }

  private async pendingOf(kept: string | undefined): Promise<Pending> {
    const { payload } = await jwtVerify<Pending>(kept ?? '', this.options.key, {
      audience: 'login',
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'state', 'nonce', 'verifier'],
    }).catch(() => {
      throw notKnown('This browser has not begun to log in, or too long ago.', HINT);
    });
    return payload;
  }

  private provider(): NonNullable<typeof this.known> {
    return (this.known ??= this.discover().catch((error: unknown) => {
      // The next login tries again.
      this.known = undefined;
      throw error;
    }));
  }

  private async discover(): Promise<{ client: OpenId.BaseClient; library: typeof OpenId }> {
    const library = await import('openid-client');
    library.custom.setHttpOptionsDefaults({ timeout: ASK_LIMIT_MS });
    const { issuer, clientId, redirectUri } = this.options;
    const secret = await this.secret();
    const found = await library.Issuer.discover(issuer).catch((error: unknown) => {
      throw this.silent(error);
    });
    const algorithms = found.metadata.id_token_signing_alg_values_supported as string[] | undefined;
    const algorithm = (algorithms ?? ['RS256']).find((each) => ALGORITHMS.includes(each));
    const client = new found.Client({
      client_id: clientId,
      ...(secret !== undefined && { client_secret: secret }),
      token_endpoint_auth_method: secret === undefined ? 'none' : 'client_secret_basic',
      redirect_uris: [redirectUri],
      response_types: ['code'],
      ...(algorithm !== undefined && { id_token_signed_response_alg: algorithm }),
    });
    return { client, library };
  }

  private async secret(): Promise<string | undefined> {
    const { clientSecretFile: file } = this.options;
    if (file === undefined) return undefined;
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new SwarmError(
        'unavailable',
        `The secret in ${file} can't be read: ${error.code ?? 'unknown error'}.`,
        'Correct SWARM_OIDC_CLIENT_SECRET_FILE.',
      );
    });
    return text.trim();
  }

  private silent(error: unknown): SwarmError {
    return new SwarmError(
      'unavailable',
      `The identity provider ${this.options.issuer} can't be asked: ${(error as Error).message}.`,
      'Check SWARM_OIDC_ISSUER, and that it can be reached from here.',
    );
  }
}
