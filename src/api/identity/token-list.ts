import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROLES, SwarmError, idSchema, type Role } from '../../domain';
import { digestOf, equalDigests } from '../../platform/gate';
import { LimitedLog } from '../../platform/limited-log';
import type { Logger } from '../../platform/logger';
import { readTokenFile } from '../../platform/own-identity';

/** A token of a person or a program. */
export interface KnownToken {
  name: string;
  role: Role;
  digest: Buffer;
  /** Wall clock, milliseconds since 1970; absent: it does not expire. */
  expiresAtMs?: number | undefined;
  /** Absent: all cells. */
  cell?: string | undefined;
}

const entrySchema = z
  .strictObject({
    name: z.string().regex(/^[\w.@:+-]{1,100}$/, 'use 1 to 100 of A-Z, a-z, 0-9 and ._@:+-'),
    role: z.enum(ROLES),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'use 64 hexadecimal digits')
      .optional(),
    token: z
      .string()
      .regex(/^[\w.~+/=-]{32,}$/, 'use at least 32 characters')
      .optional(),
    expires: z.iso.datetime({ offset: true }).optional(),
    cell: idSchema.optional(),
  })
  .refine(
    ({ sha256, token }) => (sha256 === undefined) !== (token === undefined),
    'give either sha256 or token',
  );

/** What SWARM_API_TOKENS_FILE holds. */
const fileSchema = z.strictObject({ tokens: z.array(entrySchema).max(1_000) });

/** @throws SwarmError bad-request that names fields, never a token */
const parseTokens = (text: string, file: string): KnownToken[] => {
  let data: unknown;
  try {
    // Dates stay text: the schema reads them.
    data = parse(text, { schema: 'core' });
  } catch {
    throw new SwarmError('bad-request', `${file} is neither YAML nor JSON.`, 'Correct it.');
  }
  const parsed = fileSchema.safeParse(data);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new SwarmError('bad-request', `Bad tokens in ${file}: ${faults.join('; ')}.`, 'Correct the file.');
  }
  return parsed.data.tokens.map(({ name, role, sha256, token, expires, cell }) => ({
    name,
    role,
    digest: token === undefined ? Buffer.from(sha256!, 'hex') : digestOf(token),
    ...(expires !== undefined && { expiresAtMs: Date.parse(expires) }),
    ...(cell !== undefined && { cell }),
  }));
};

/**
 * The static tokens that the API knows: that of the administrator, and those of a file, which is read again when it has
 * changed. A change that can't be used is logged, and what was known before goes on to count; a file that is gone means
 * that its tokens are.
 */
export class TokenList {
  private ofFile: KnownToken[] = [];
  private seen = '';
  private readonly faults: LimitedLog;

  private constructor(
    private readonly file: string | undefined,
    private readonly admin: KnownToken | undefined,
    log: Logger,
  ) {
    this.faults = new LimitedLog(log);
  }

  /** @throws SwarmError bad-request for files that can't be used */
  static async open(
    files: { tokens: string | undefined; admin: string | undefined },
    log: Logger,
  ): Promise<TokenList> {
    const admin = files.admin && {
      name: 'admin',
      role: 'admin' as const,
      digest: digestOf(await readTokenFile(files.admin, 'SWARM_ADMIN_TOKEN_FILE')),
    };
    const list = new TokenList(files.tokens, admin || undefined, log);
    await list.read();
    return list;
  }

  /** The token with this secret. */
  find(secret: string): Promise<KnownToken | undefined> {
    return this.withDigest(digestOf(secret));
  }

  /** The token whose secret has this SHA-256. All are compared, so that the time taken tells nothing. */
  async withDigest(digest: Buffer): Promise<KnownToken | undefined> {
    await this.read().catch((error: unknown) => {
      this.faults.write('error', 'tokens', { err: error }, 'the tokens are not read again');
    });
    const all = this.admin ? [this.admin, ...this.ofFile] : this.ofFile;
    return all.filter((token) => equalDigests(token.digest, digest))[0];
  }

  private async read(): Promise<void> {
    const { file } = this;
    if (file === undefined) return;
    const facts = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') this.ofFile = [];
      this.seen = '';
      throw new SwarmError(
        'bad-request',
        `${file} can't be read: ${error.code}.`,
        'Correct SWARM_API_TOKENS_FILE.',
      );
    });
    const seen = `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
    if (seen === this.seen) return;
    const tokens = parseTokens(await readFile(file, 'utf8'), file);
    this.ofFile = tokens;
    this.seen = seen;
  }
}
