import { AsyncLocalStorage } from 'node:async_hooks';
import { ANYONE, type Caller } from '../domain';

/**
 * Who asks, for all that is done for him: every request that it leads to names him, and none has to be told. Work that
 * nobody asked for is nobody's.
 */
const asking = new AsyncLocalStorage<Caller>();

/** Does work for someone. */
export const doneFor = <T>(caller: Caller, work: () => T): T => asking.run(caller, work);

/** For whom this is done; undefined where nobody asked for it. */
export const asker = (): Caller | undefined => asking.getStore();

/** The name of the one for whom this is done. */
export const askedBy = (): string => (asker() ?? ANYONE).name;
