import { AsyncLocalStorage } from 'node:async_hooks';
import Environment from '../support/environment';

test('what a test file keeps in asynchronous storage is gone with the file', async () => {
  const config = { projectConfig: { testEnvironmentOptions: {} }, globalConfig: {} };
  const environment = new Environment(config as ConstructorParameters<typeof Environment>[0], {
    console,
    docblockPragmas: {},
    testPath: __filename,
  });
  const storage = new AsyncLocalStorage<string>();
  storage.enterWith('kept');
  expect(storage.getStore()).toBe('kept');

  await environment.teardown();

  if ('_enable' in storage) expect(storage.getStore()).toBeUndefined();
});

test('a module is handed the names of the language: each look at a global would ask Node', () => {
  const { Math: kept } = globalThis;
  Object.assign(globalThis, { Math: undefined });
  const found = [Math, globalThis.Math];
  Object.assign(globalThis, { Math: kept });
  expect(found).toEqual([kept, undefined]);
});
