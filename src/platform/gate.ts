import { createHash, timingSafeEqual } from 'node:crypto';
import { SwarmError, type Caller } from '../domain';

/** What a request shows of its caller: two of its headers. */
export interface Shown {
  authorization?: string | undefined;
  cookie?: string | undefined;
}

/** Tells who asks. */
export interface Gate {
  /**
   * @returns null for a caller that shows nothing
   * @throws SwarmError unauthenticated for what is not known or has expired; forbidden for what is of another cell
   */
  identify(shown: Shown): Caller | null | Promise<Caller | null>;
}

/** SHA-256 of a secret: what is compared, so that no secret has to be kept and its length does not show. */
export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Whether two digests are equal, in a time that does not tell where they differ. */
export const equalDigests = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

/** The token of a header `authorization: Bearer <token>`; undefined without one. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1];

/** @param hint how this caller can show who he is */
export const notKnown = (message: string, hint: string): SwarmError =>
  new SwarmError('unauthenticated', message, hint);
