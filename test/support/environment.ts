import { AsyncLocalStorage } from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';

/** Storages that a test file has switched on. */
const inUse = new Set<AsyncLocalStorage<unknown>>();
// Until Node 24, which has no such method, each storage in use makes every promise of the process slower.
const methods = AsyncLocalStorage.prototype as unknown as { _enable?: () => void };
const enable = methods._enable;
if (enable) {
  methods._enable = function remembered(this: AsyncLocalStorage<unknown>) {
    inUse.add(this);
    enable.call(this);
  };
}

/**
 * Node's environment, which leaves nothing behind that slows the next test file. Each file loads Temporal's packages
 * anew, and each copy has `AsyncLocalStorage`s of its own: after some dozens of files an `await` took 25 times as
 * long, and tests that do little else ten minutes instead of one.
 */
export default class Environment extends TestEnvironment {
  override async teardown(): Promise<void> {
    await super.teardown();
    for (const storage of inUse) storage.disable();
    inUse.clear();
  }
}
