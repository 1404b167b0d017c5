import type { Connection } from '@temporalio/client';
import { searchAttributeNames } from '../domain';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
/** gRPC status ALREADY_EXISTS: another part registered them in the meantime. */
const ALREADY_EXISTS = 6;

/** Registers the swarm's typed search attributes where they are missing. Idempotent. */
export const registerSearchAttributes = async (
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> => {
  const { operatorService } = connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
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
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
};
