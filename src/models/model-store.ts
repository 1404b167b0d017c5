import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackEndInUse, Manifest } from '../contracts/model-manifest';
import { backEndInUseSchema, manifestSchema } from '../contracts/model-manifest';
import { SwarmError } from '../domain';
import { ARCHITECTURE, type Weights } from '../forecast/net/architecture';
import { makeDirectoryDurably, replaceFile } from '../platform/durable-file';
import { shippedModelFolder } from './shipped-model';
import { packWeights, sha256, unpackWeights } from './weights-file';

const MANIFEST = 'manifest.json';
const WEIGHTS = 'weights.bin';
const BACK_END = 'back-end.json';
/** Of each kind, accepted and refused: enough to look back at, and bounded. */
const KEPT = 5;

export interface StoredModel {
  manifest: Manifest;
  weights: Weights;
}

/** A folder that can't be used as a model, and why. */
export interface DamagedModel {
  id: string;
  why: string;
}

const damaged = (folder: string, why: string): SwarmError =>
  new SwarmError(
    'bad-request',
    `The model in ${folder} is damaged: ${why}.`,
    'Delete that folder; the model accepted before it is used meanwhile, and the next retraining makes a new one.',
  );

const readManifest = async (folder: string): Promise<Manifest> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
  } catch (error) {
    throw damaged(folder, `its ${MANIFEST} can't be read: ${(error as Error).message}`);
  }
  const result = manifestSchema.safeParse(parsed);
  if (result.success) return result.data;
  const faults = result.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
  throw damaged(folder, `its ${MANIFEST} breaks the schema: ${faults}`);
};

/**
 * Reads one model and checks it byte by byte.
 * @throws SwarmError bad-request for a damaged one; conflict for one of another architecture
 */
export const readModel = async (folder: string): Promise<StoredModel> => {
  const manifest = await readManifest(folder);
  if (manifest.architecture !== ARCHITECTURE) {
    throw new SwarmError(
      'conflict',
      `The model in ${folder} is a ${manifest.architecture}; this version runs ${ARCHITECTURE}.`,
      'Retrain, or run the version that made it.',
    );
  }
  const packed = await readFile(join(folder, WEIGHTS)).catch((error: Error) => {
    throw damaged(folder, `its ${WEIGHTS} can't be read: ${error.message}`);
  });
  const { bytes, sha256: expected } = manifest.weights;
  if (packed.length !== bytes) {
    throw damaged(folder, `its ${WEIGHTS} has ${packed.length} bytes, not ${bytes}`);
  }
  if (sha256(packed) !== expected) throw damaged(folder, `its ${WEIGHTS} does not have its SHA-256`);
  return { manifest, weights: unpackWeights(packed) };
};

/** Writes a model: weights first, then the manifest, whose presence makes it a model. Both in one step each. */
export const writeModel = async (
  folder: string,
  manifest: Omit<Manifest, 'format' | 'architecture' | 'weights'>,
  weights: Weights,
): Promise<Manifest> => {
  const packed = packWeights(weights);
  const whole = manifestSchema.parse({
    format: 1,
    architecture: ARCHITECTURE,
    weights: { bytes: packed.length, sha256: sha256(packed) },
    ...manifest,
  });
  await makeDirectoryDurably(folder);
  await replaceFile(join(folder, WEIGHTS), packed);
  await replaceFile(join(folder, MANIFEST), `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
};

/** Models of one cell: a folder each, below SWARM_STATE_DIR/models/<cell>/versions. */
export class ModelStore {
  private readonly folder: string;
  private readonly versions: string;
  /** Files of trainings under way. */
  readonly runs: string;

  constructor(
    stateDir: string,
    readonly cell: string,
    private readonly shipped: string | null = shippedModelFolder(),
  ) {
    this.folder = join(stateDir, 'models', cell);
    this.versions = join(this.folder, 'versions');
    this.runs = join(this.folder, 'runs');
  }

  /** All manifests, the newest first, and the folders that are no model. The shipped one comes last. */
  async list(): Promise<{ models: Manifest[]; damaged: DamagedModel[] }> {
    const models: Manifest[] = [];
    const broken: DamagedModel[] = [];
    for (const id of await this.ownIds()) {
      try {
        models.push(await readManifest(join(this.versions, id)));
      } catch (error) {
        broken.push({ id, why: (error as Error).message });
      }
    }
    models.sort((a, b) => b.trainedAtMs - a.trainedAtMs || b.id.localeCompare(a.id));
    const shipped = this.shipped === null ? null : await readManifest(this.shipped);
    return { models: shipped ? [...models, shipped] : models, damaged: broken };
  }

  /** Null where data/ was not installed. @throws SwarmError as readModel */
  async shippedModel(): Promise<StoredModel | null> {
    return this.shipped === null ? null : readModel(this.shipped);
  }

  /** @throws SwarmError not-found, bad-request for a damaged one, conflict for another architecture */
  async read(id: string): Promise<StoredModel> {
    if ((await this.ownIds()).includes(id)) return readModel(join(this.versions, id));
    const shipped = await this.shippedModel();
    if (shipped?.manifest.id === id) return shipped;
    throw new SwarmError(
      'not-found',
      `There is no model ${id}.`,
      'List those there are: encoder-swarm model list.',
    );
  }

  /**
   * The model to forecast with: the newest accepted one that is whole and of this architecture.
   * @returns null where not even the shipped one can be used; `refused` names those passed over, and why
   */
  async inUse(): Promise<{ model: StoredModel | null; refused: DamagedModel[] }> {
    const { models, damaged: refused } = await this.list();
    for (const { id } of models.filter((m) => m.accepted)) {
      try {
        return { model: await this.read(id), refused };
      } catch (error) {
        refused.push({ id, why: (error as Error).message });
      }
    }
    return { model: null, refused };
  }

  /** Stores a model, accepted or refused, and forgets the oldest of its kind beyond the five newest. */
  async add(
    manifest: Omit<Manifest, 'format' | 'architecture' | 'weights'>,
    weights: Weights,
  ): Promise<Manifest> {
    const written = await writeModel(join(this.versions, manifest.id), manifest, weights);
    await this.prune();
    return written;
  }

  /** Tells other processes (the API) what the worker computes on. */
  async noteBackEnd(backEnd: BackEndInUse): Promise<void> {
    await makeDirectoryDurably(this.folder);
    await replaceFile(join(this.folder, BACK_END), JSON.stringify(backEnd));
  }

  /** What the worker computes on; null where it has loaded nothing yet. */
  async backEnd(): Promise<BackEndInUse | null> {
    const text = await readFile(join(this.folder, BACK_END), 'utf8').catch(() => 'null');
    return backEndInUseSchema.nullable().catch(null).parse(JSON.parse(text));
  }

  private async prune(): Promise<void> {
    const { models } = await this.list();
    const own = await this.ownIds();
    for (const accepted of [true, false]) {
      const kind = models.filter((m) => m.accepted === accepted && own.includes(m.id));
      for (const { id } of kind.slice(KEPT))
        await rm(join(this.versions, id), { recursive: true, force: true });
    }
  }

  private async ownIds(): Promise<string[]> {
    try {
      const entries = await readdir(this.versions, { withFileTypes: true });
      return entries.filter((e) => e.isDirectory()).map((e) => e.name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}
