import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSeriesForecaster } from '../../src/forecast';
import { generatedSeries } from '../../src/forecast/net';
import { ModelHolder, ModelStore } from '../../src/models';
import { guardedMember } from '../../src/models/guarded-member';
import { readModel } from '../../src/models/model-store';
import { shippedModelFolder } from '../../src/models/shipped-model';
import { manifestOf, someWeights, temporaryFolder } from './support/datasets';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: ModelStore;
const versionOf = (id: string): string => join(folder.path, 'models', 'local', 'versions', id);
beforeEach(async () => {
  folder = await temporaryFolder();
  store = new ModelStore(folder.path, 'local', null);
});
afterEach(() => folder.remove());

test('a model comes back as it was stored, bit by bit', async () => {
  const weights = someWeights(Math.fround(0.1));
  const manifest = await store.add(manifestOf('m-1'), weights);
  const { model, refused } = await store.inUse();
  expect(refused).toEqual([]);
  expect(model).toEqual({ manifest, weights });
});

test('the newest accepted model is in use; a refused one never', async () => {
  await store.add(manifestOf('m-1', { trainedAtMs: 1 }), someWeights(1));
  await store.add(manifestOf('m-2', { trainedAtMs: 2 }), someWeights(2));
  await store.add(manifestOf('m-3', { trainedAtMs: 3, accepted: false }), someWeights(3));
  expect((await store.inUse()).model?.manifest.id).toBe('m-2');
  expect((await store.list()).models.map((m) => m.id)).toEqual(['m-3', 'm-2', 'm-1']);
});

describe('a damaged model is refused by name, and the one before it used', () => {
  const damages: Record<string, [(path: string) => Promise<void>, RegExp]> = {
    'weights cut short': [(path) => truncate(join(path, 'weights.bin'), 1_000), /has 1000 bytes, not \d+/],
    'one bit of the weights turned': [
      async (path) => {
        const bytes = await readFile(join(path, 'weights.bin'));
        bytes[77]! ^= 1;
        await writeFile(join(path, 'weights.bin'), bytes);
      },
      /does not have its SHA-256/,
    ],
    'a manifest that is no JSON': [(path) => truncate(join(path, 'manifest.json'), 20), /can't be read/],
    'a manifest without scores': [
      async (path) => {
        const { scores: _, ...rest } = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
        await writeFile(join(path, 'manifest.json'), JSON.stringify(rest));
      },
      /breaks the schema: scores/,
    ],
    'another architecture': [
      async (path) => {
        const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
        await writeFile(join(path, 'manifest.json'), JSON.stringify({ ...manifest, architecture: 'lstm-7' }));
      },
      /is a lstm-7; this version runs mlp-/,
    ],
  };
  test.each(Object.keys(damages))('%s', async (name) => {
    const [damage, message] = damages[name]!;
    await store.add(manifestOf('m-1', { trainedAtMs: 1 }), someWeights(1));
    await store.add(manifestOf('m-2', { trainedAtMs: 2 }), someWeights(2));
    await damage(versionOf('m-2'));
    const { model, refused } = await store.inUse();
    expect(model?.manifest.id).toBe('m-1');
    expect(refused).toEqual([{ id: 'm-2', why: expect.stringMatching(message) }]);
    await expect(readModel(versionOf('m-2'))).rejects.toMatchObject({
      code: expect.stringMatching(/bad-request|conflict/),
      hint: expect.any(String),
    });
  });
});

test('no more than five accepted and five refused ones are kept, the newest', async () => {
  for (let i = 1; i <= 8; i++) {
    await store.add(manifestOf(`m-${i}`, { trainedAtMs: i }), someWeights(i));
    await store.add(manifestOf(`r-${i}`, { trainedAtMs: i, accepted: false }), someWeights(i));
  }
  const { models } = await store.list();
  expect(models.map((m) => m.id).sort()).toEqual([4, 5, 6, 7, 8].flatMap((i) => [`m-${i}`, `r-${i}`]).sort());
  expect(await readdir(join(folder.path, 'models', 'local', 'versions'))).toHaveLength(10);
});

test('an unknown model is refused', async () => {
  await expect(store.read('m-9')).rejects.toMatchObject({ code: 'not-found' });
  expect(await store.inUse()).toEqual({ model: null, refused: [] });
});

test('the model that ships is whole, of this architecture, and used until there is a better one', async () => {
  const shipped = shippedModelFolder();
  expect(shipped).not.toBeNull();
  const cell = new ModelStore(folder.path, 'local');
  expect((await cell.inUse()).model?.manifest.id).toMatch(/^shipped-/);
  await cell.add(manifestOf('m-1'), someWeights(0.01));
  expect((await cell.inUse()).model?.manifest.id).toBe('m-1');
});

test('the holder takes up promoted models, and keeps what it holds when a newer one is damaged', async () => {
  const logged: string[] = [];
  const log = {
    info: () => undefined,
    warn: (options: unknown) => void logged.push(JSON.stringify(options)),
  };
  const holder = new ModelHolder(store, log);
  await holder.refresh();
  expect(holder.member()).toBeNull();
  await store.add(manifestOf('m-1', { trainedAtMs: 1 }), someWeights(0.01));
  await holder.refresh();
  const member = holder.member();
  expect(member?.name).toBe('net');
  expect(holder.inUse()?.modelId).toBe('m-1');
  expect(await store.backEnd()).toEqual(holder.inUse()?.backEnd);
  await store.add(manifestOf('m-2', { trainedAtMs: 2 }), someWeights(0.02));
  await truncate(join(versionOf('m-2'), 'weights.bin'), 4);
  await holder.refresh();
  await holder.refresh();
  expect(holder.member()).toBe(member);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/m-2/);
  holder.dispose();
});

test('a net that fails falls silent, and the ensemble forecasts without it', () => {
  const complaints: string[] = [];
  const fail = (): never => {
    throw new Error('memory access out of bounds');
  };
  const member = guardedMember({ name: 'net', forecast: fail, hindcast: fail }, (e) =>
    complaints.push(e.message),
  );
  const [series] = generatedSeries({ count: 1, steps: 24 * 10, horizonSteps: 4, seed: 1 });
  const [alone] = createSeriesForecaster().forecast([series!]);
  const [together] = createSeriesForecaster({ members: [member] }).forecast([series!]);
  expect(together!.curve).toEqual(alone!.curve);
  expect(complaints).toContain('memory access out of bounds');
});
