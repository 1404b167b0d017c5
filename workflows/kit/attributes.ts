import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributeNames } from '../../src/domain/control';

type Values = Partial<Record<keyof typeof searchAttributeNames, string>>;

/** Search attributes of a workflow, to set at its start. */
export const attributes = (values: Values): SearchAttributePair[] =>
  Object.entries(values).map(([name, value]) => ({
    key: defineSearchAttributeKey(searchAttributeNames[name as keyof Values], 'KEYWORD'),
    value,
  }));

/** Sets search attributes of the workflow that calls. */
export const upsertAttributes = (values: Values): void => upsertSearchAttributes(attributes(values));
