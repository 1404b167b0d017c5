import type { Connection } from '@temporalio/client';
import { SwarmError, searchAttributeNames } from '../domain';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
/** gRPC status ALREADY_EXISTS: another part registered them in the meantime. */
const ALREADY_EXISTS = 6;
/** gRPC status PERMISSION_DENIED and UNIMPLEMENTED: of a server that is administered elsewhere, as Temporal Cloud. */
const ADMINISTERED_ELSEWHERE = [7, 12];

const isGrpc = (error: unknown, codes: readonly number[]): boolean =>
  codes.includes((error as { code?: number }).code ?? -1);

/**
 * Registers the swarm's typed search attributes where they are missing. Idempotent.
 * @throws SwarmError forbidden that names them, where this account may not
 */
export const registerSearchAttributes = async (
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> => {
  const { operatorService } = connection;
  const listed = await operatorService.listSearchAttributes({ namespace }).catch((error: unknown) => {
    if (isGrpc(error, ADMINISTERED_ELSEWHERE)) return null;
    throw error;
  });
  // Who may not even look may find them there all the same: the first workflow tells.
  if (!listed) return;
  const { customAttributes } = listed;
  const missing = Object.values(searchAttributeNames).filter(
    (name) => customAttributes?.[name] === undefined,
  );
  if (missing.length === 0) return;
  try {
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    if (isGrpc(error, ADMINISTERED_ELSEWHERE)) {
      throw new SwarmError(
        'forbidden',
        `Namespace ${namespace} of Temporal lacks the search attributes ${missing.join(', ')}, and this account may not add them.`,
        'Add them where the namespace is administered, each of type Keyword.',
      );
    }
    if (!isGrpc(error, [ALREADY_EXISTS])) throw error;
  }
};
