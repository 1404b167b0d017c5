import { z } from 'zod';
import { ROLES } from '../../domain';
import { emptySchema, ms } from './common';
import { operation } from './operation';

/** Who asks. */
export const sessionSchema = z.object({
  name: z.string().describe('name of the token, or subject of the JWT'),
  role: z.enum(ROLES),
  loginNeeded: z.boolean().describe('false: nobody has to log in here, and everyone is admin'),
});
export type Session = z.infer<typeof sessionSchema>;

const secret = z.string().min(1).max(8_192);

export const logInSchema = z.union([
  z.strictObject({ token: secret.describe('a static token, or a JWT') }),
  z.strictObject({ ticket: secret.describe('as of POST /session/ticket') }),
]);
export type LogIn = z.infer<typeof logInSchema>;

export const ticketSchema = z.object({ ticket: z.string(), expiresInSeconds: z.int().min(1) });

/** One command that was asked for. */
export const auditEntrySchema = z.object({
  atMs: ms('asked for'),
  by: z.string().describe('name of the token, or subject of the JWT'),
  role: z.string(),
  command: z.string().describe('name of the operation, such as `handoff`'),
  about: z.string().optional().describe('channel, encoder, build or event that it is about'),
  reason: z.string().optional().describe('why, in the words of the one who asked'),
  outcome: z.string().describe('`done`, or the code of the refusal'),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditQuerySchema = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });

/** Who asks, how a browser logs in, and who asked for what. */
export const accessOperations = {
  getSession: operation({
    method: 'get',
    path: '/session',
    access: 'viewer',
    summary: 'Who asks, and what he may do',
    answers: { 200: sessionSchema },
    refusals: [],
  }),
  logIn: operation({
    method: 'post',
    path: '/session',
    access: 'public',
    summary: 'Logs a browser in with a token or a ticket: the answer sets a cookie that no script can read',
    body: logInSchema,
    answers: { 200: sessionSchema },
    refusals: ['unauthenticated', 'forbidden', 'unavailable'],
  }),
  logOut: operation({
    method: 'delete',
    path: '/session',
    access: 'public',
    summary: 'Has the browser forget its session',
    answers: { 204: null },
    refusals: [],
  }),
  makeTicket: operation({
    method: 'post',
    path: '/session/ticket',
    access: 'viewer',
    summary: 'A ticket that logs one browser in as the caller, once and within minutes',
    body: emptySchema,
    bodyOptional: true,
    answers: { 201: ticketSchema },
    refusals: ['conflict'],
  }),
  getAudit: operation({
    method: 'get',
    path: '/audit',
    access: 'operator',
    summary: 'Who asked this API for what, when and why; the latest first',
    query: auditQuerySchema,
    answers: { 200: z.array(auditEntrySchema) },
    refusals: [],
  }),
} as const;
