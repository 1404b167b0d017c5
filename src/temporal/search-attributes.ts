import type { Connection } from '@temporalio/client';
import { SwarmError, searchAttributeNames } from '../domain';
import { grpcStatus, isGrpc } from './grpc-status';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
/** Of a server that is administered elsewhere, as Temporal Cloud. */
const isAdministeredElsewhere = (error: unknown): boolean =>
  isGrpc(error, grpcStatus.PERMISSION_DENIED, grpcStatus.UNIMPLEMENTED);

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
    if (isAdministeredElsewhere(error)) return null;
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
    if (isAdministeredElsewhere(error)) {
      throw new SwarmError(
        'forbidden',
        `Namespace ${namespace} of Temporal lacks the search attributes ${missing.join(', ')}, and this account may not add them.`,
        'Add them where the namespace is administered, each of type Keyword.',
      );
    }
    // Another part registered them in the meantime.
    if (!isGrpc(error, grpcStatus.ALREADY_EXISTS)) throw error;
  }
};
