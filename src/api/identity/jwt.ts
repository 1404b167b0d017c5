import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { ROLES, SwarmError, personName, type Caller, type Role } from '../../domain';
import { notKnown } from '../../platform/gate';

/** How claims tell who somebody is here. */
export interface ClaimRules {
  /** Name of the claim, or a way through objects: `realm_access.roles`. */
  roleClaim: string;
  cellClaim: string | undefined;
  cell: string;
}

export interface JwtRules extends ClaimRules {
  /** Base URL of the identity provider, and `iss` of its tokens. */
  issuer: string;
  audience: string;
}

/** Signatures by keys of which only the provider has the secret half. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
/** By which clocks of provider and swarm may differ. */
const CLOCK_TOLERANCE_S = 5;
const DISCOVERY_LIMIT_MS = 5_000;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

/** A claim, by its name or by a way through objects. */
const claimOf = (payload: JWTPayload, way: string): unknown =>
  way in payload
    ? payload[way]
    : way
        .split('.')
        .reduce<unknown>(
          (at, name) =>
            typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined,
          payload,
        );

const textsOf = (claim: unknown): string[] =>
  [claim].flat().filter((entry): entry is string => typeof entry === 'string');

const highestRole = (claim: unknown): Role | undefined => {
  const given = textsOf(claim);
  return [...ROLES].reverse().find((role) => given.includes(role));
};

/**
 * Who somebody is, by claims that were verified.
 * @throws SwarmError forbidden without a role here or for another cell
 */
export const callerOfClaims = (payload: JWTPayload, { roleClaim, cellClaim, cell }: ClaimRules): Caller => {
  const name = personName(payload.sub!);
  if (cellClaim !== undefined && !textsOf(claimOf(payload, cellClaim)).includes(cell)) {
    throw new SwarmError(
      'forbidden',
      `The token of ${name} is not for cell ${cell}.`,
      'Ask for access to it.',
    );
  }
  const role = highestRole(claimOf(payload, roleClaim));
  if (role) return { name, role };
  throw new SwarmError(
    'forbidden',
    `The token of ${name} has no role here: its claim ${roleClaim} names none of ${ROLES.join(', ')}.`,
    'Have the role given by whoever runs the identity provider.',
  );
};

/** Verifies JWT bearer tokens of one issuer. Its keys are found by OpenID Connect discovery, and again when they change. */
export class JwtVerifier {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(private readonly rules: JwtRules) {}

  /**
   * @returns who it is, and until when; wall clock, milliseconds since 1970
   * @throws SwarmError unauthenticated; forbidden without a role here or for another cell; unavailable
   */
  async verify(token: string): Promise<{ caller: Caller; expiresAtMs: number }> {
    const { issuer, audience } = this.rules;
    const keys = await (this.keys ??= this.discover().catch((error: unknown) => {
      // The next token tries again.
      this.keys = undefined;
      throw error;
    }));
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', 'sub'],
    }).catch((error: unknown) => {
      throw refusalOf(error, issuer);
    });
    const caller = callerOfClaims(payload, this.rules);
    return { caller, expiresAtMs: payload.exp! * 1000 };
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.rules;
    const url = `${issuer}/.well-known/openid-configuration`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_LIMIT_MS) });
      const found = discoverySchema.parse(await answer.json());
      if (found.issuer.replace(/\/+$/, '') !== issuer) throw new Error(`it calls itself ${found.issuer}`);
      return createRemoteJWKSet(new URL(found.jwks_uri));
    } catch (error) {
      const cause = error instanceof z.ZodError ? 'its answer is no discovery document' : String(error);
      throw new SwarmError(
        'unavailable',
        `The identity provider can't be asked at ${url}: ${cause}.`,
        'Check SWARM_OIDC_ISSUER, and that it can be reached from here.',
      );
    }
  }
}

const HINT = 'Get a new token of the identity provider.';

const refusalOf = (error: unknown, issuer: string): SwarmError => {
  if (error instanceof errors.JWTExpired) return notKnown('The token has expired.', HINT);
  if (error instanceof errors.JWTClaimValidationFailed)
    return notKnown(`The token is not for this API: its claim ${error.claim} is not the expected one.`, HINT);
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) {
    return new SwarmError(
      'unavailable',
      `The keys of ${issuer} can't be read.`,
      'Check that the identity provider can be reached from here.',
    );
  }
  return notKnown(`The token is none of ${issuer}.`, HINT);
};
