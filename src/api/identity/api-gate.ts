import { join } from 'node:path';
import { SignJWT, jwtVerify } from 'jose';
import { publicApiUrl, type Environment } from '../../config/config';
import type { LogIn } from '../../contracts/api';
import { ROLES, SwarmError, type Caller, type Role } from '../../domain';
import { bearerOf, digestOf, notKnown, type Gate, type Shown } from '../../platform/gate';
import type { Logger } from '../../platform/logger';
import { loadOrCreateSecret } from '../../platform/secret-file';
import { JwtVerifier } from './jwt';
import { OidcLogin } from './oidc-login';
import { Tickets } from './tickets';
import { TokenList, type KnownToken } from './token-list';

export { TICKET_MS } from './tickets';

const SESSION_MS = 12 * 3_600_000;
const HINT = 'Use another token, or log in on the page with a new ticket: npx encoder-swarm login.';

/** By what a caller is known: a static token, which may be taken away any time, or a JWT, which counts until it expires. */
type Proof = { digest: string } | { role: Role; expiresAtMs: number };

interface Known {
  caller: Caller;
  proof: Proof;
}

/** A session of a browser, as its cookie carries it. */
export interface Session {
  caller: Caller;
  cookie: string;
  /** How long the browser may keep it. */
  maxAgeMs: number;
}

/**
 * Tells who asks the API: by a static token, by a JWT, or by the session of a browser that has logged in with one. A
 * session is a signed cookie, so that it outlasts a restart. It holds no token: what it was opened with is looked up
 * again at each request.
 */
export class ApiGate implements Gate {
  readonly cookieName: string;
  private readonly proofs = new WeakMap<Caller, Proof>();

  private constructor(
    private readonly options: { cell: string; tokens: TokenList; jwt: JwtVerifier | undefined; key: Buffer },
    /** Absent: the page does not log in at an identity provider. */
    readonly oidc: OidcLogin | undefined,
    private readonly tickets: Tickets,
    private readonly nowMs: () => number,
  ) {
    // Cookies of one host go to all of its ports: two swarms of a machine must not take one for the other's.
    this.cookieName = `swarm-${digestOf(options.key.toString('hex')).toString('hex').slice(0, 12)}`;
  }

  /**
   * The gate that an environment asks for; undefined where nobody has to log in.
   * @throws SwarmError bad-request for files that can't be used
   */
  static async open(
    environment: Environment,
    log: Logger,
    nowMs: () => number = Date.now,
  ): Promise<ApiGate | undefined> {
    const {
      SWARM_CELL: cell,
      SWARM_ADMIN_TOKEN_FILE: admin,
      SWARM_API_TOKENS_FILE: file,
      SWARM_OIDC_ISSUER: issuer,
      SWARM_OIDC_CLIENT_ID: clientId,
    } = environment;
    if (!admin && !file && !issuer) return undefined;
    const tokens = await TokenList.open({ tokens: file, admin }, log);
    const rules = {
      cell,
      roleClaim: environment.SWARM_OIDC_ROLE_CLAIM,
      cellClaim: environment.SWARM_OIDC_CELL_CLAIM,
    };
    const jwt =
      issuer === undefined
        ? undefined
        : new JwtVerifier({ ...rules, issuer, audience: environment.SWARM_OIDC_AUDIENCE });
    const secret = await loadOrCreateSecret(join(environment.SWARM_STATE_DIR, 'secrets', 'session-key'));
    const key = Buffer.from(secret, 'hex');
    const oidc =
      issuer === undefined || clientId === undefined
        ? undefined
        : new OidcLogin({
            ...{ issuer, clientId, rules, key },
            clientSecretFile: environment.SWARM_OIDC_CLIENT_SECRET_FILE,
            redirectUri: `${publicApiUrl(environment)}/login/callback`,
          });
    const tickets = new Tickets(join(environment.SWARM_STATE_DIR, 'secrets', 'tickets'), nowMs);
    return new ApiGate({ cell, tokens, jwt, key }, oidc, tickets, nowMs);
  }

  async identify({ authorization, cookie }: Shown): Promise<Caller | null> {
    if (authorization !== undefined) {
      const token = bearerOf(authorization);
      if (token === undefined)
        throw notKnown('The header authorization is not of the form Bearer TOKEN.', HINT);
      return this.remember(await this.byToken(token));
    }
    const session = cookieOf(cookie, this.cookieName);
    return session === undefined ? null : this.remember(await this.bySession(session));
  }

  /** Opens a session. @throws SwarmError unauthenticated, forbidden */
  async logIn(given: LogIn): Promise<Session> {
    const known = 'token' in given ? await this.byToken(given.token) : this.byTicket(given.ticket);
    const { caller, proof } = known;
    const nowMs = this.nowMs();
    const endsMs = Math.min(nowMs + SESSION_MS, 'digest' in proof ? Infinity : proof.expiresAtMs);
    const claims = 'digest' in proof ? { token: proof.digest } : { role: proof.role };
    const cookie = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(caller.name)
      .setAudience(this.options.cell)
      .setExpirationTime(Math.floor(endsMs / 1000))
      .sign(this.options.key);
    return { caller, cookie, maxAgeMs: endsMs - nowMs };
  }

  /** @returns what logs in as this caller, once and within TICKET_MS */
  ticketFor(caller: Caller): string {
    const proof = this.proofs.get(caller);
    if (!proof) throw notKnown('Who asks for a ticket has to be known.', HINT);
    return this.tickets.make({ caller: { name: caller.name, role: caller.role as Role }, proof });
  }

  /** The same for somebody whom the identity provider has just named. */
  ticketOfProvider(caller: Caller): string {
    const proof = { role: caller.role as Role, expiresAtMs: this.nowMs() + SESSION_MS };
    return this.ticketFor(this.remember({ caller, proof }));
  }

  private remember({ caller, proof }: Known): Caller {
    this.proofs.set(caller, proof);
    return caller;
  }

  private async byToken(token: string): Promise<Known> {
    const known = await this.options.tokens.find(token);
    if (known) return this.ofStatic(known);
    if (!this.options.jwt || token.split('.').length !== 3) throw notKnown('This token is not known.', HINT);
    const { caller, expiresAtMs } = await this.options.jwt.verify(token);
    return { caller, proof: { role: caller.role as Role, expiresAtMs } };
  }

  private ofStatic({ name, role, digest, expiresAtMs = Infinity, cell }: KnownToken): Known {
    if (expiresAtMs <= this.nowMs()) throw notKnown(`The token ${name} has expired.`, HINT);
    if (cell !== undefined && cell !== this.options.cell) {
      const message = `The token ${name} is for cell ${cell}; this is cell ${this.options.cell}.`;
      throw new SwarmError('forbidden', message, 'Ask the API of that cell, or use another token.');
    }
    return { caller: { name, role }, proof: { digest: digest.toString('hex') } };
  }

  private byTicket(ticket: string): Known {
    const known = this.tickets.use(ticket);
    if (known) return known;
    throw notKnown('This ticket has been used, or has expired.', 'Get a new one: npx encoder-swarm login.');
  }

  private async bySession(cookie: string): Promise<Known> {
    const ended = (): SwarmError =>
      notKnown('The session has ended.', 'Log in again: npx encoder-swarm login.');
    const { payload } = await jwtVerify(cookie, this.options.key, {
      audience: this.options.cell,
      algorithms: ['HS256'],
      currentDate: new Date(this.nowMs()),
      requiredClaims: ['exp', 'sub'],
    }).catch(() => {
      throw ended();
    });
    const { sub, exp, token, role } = payload;
    if (typeof token === 'string') {
      const known = await this.options.tokens.withDigest(Buffer.from(token, 'hex'));
      if (!known) throw ended();
      return this.ofStatic(known);
    }
    const ofJwt = ROLES.find((each) => each === role);
    if (!ofJwt) throw ended();
    return {
      caller: { name: sub!, role: ofJwt },
      proof: { role: ofJwt, expiresAtMs: exp! * 1000 },
    };
  }
}

/** A cookie of a request, by its name. */
export const cookieOf = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(/; */)
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
