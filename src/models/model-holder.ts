import type { BackEndInUse } from '../contracts/model-manifest';
import type { EnsembleMember } from '../forecast';
import type { QuantileNet } from '../forecast/net';
import type { Logger } from '../platform/logger';
import { guardedMember } from './guarded-member';
import type { ModelStore } from './model-store';

/**
 * The promoted model, ready to forecast with. TensorFlow.js is loaded when the first model is, and never earlier: a
 * worker starts without it.
 */
export class ModelHolder {
  private held: { id: string; nets: QuantileNet[]; member: EnsembleMember } | null = null;
  private backEnd: BackEndInUse | null = null;
  private refreshing: Promise<void> | null = null;
  private complaints = '';

  constructor(
    readonly store: ModelStore,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {}

  /** The net as a member of the ensemble; null while there is none, so that the other members forecast alone. */
  member(): EnsembleMember | null {
    return this.held?.member ?? null;
  }

  /** Id of the model in use, and the back end that it runs on. */
  inUse(): { modelId: string; backEnd: BackEndInUse } | null {
    return this.held && this.backEnd && { modelId: this.held.id, backEnd: this.backEnd };
  }

  /** Takes up the newest promoted model. Never throws: what is wrong is logged once, and what is held is kept. */
  refresh(): Promise<void> {
    this.refreshing ??= this.takeUpNewest()
      .catch((error: unknown) => this.complain((error as Error).message))
      .finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  dispose(): void {
    this.letGo();
    this.held = null;
  }

  private async takeUpNewest(): Promise<void> {
    const { model, refused } = await this.store.inUse();
    if (refused.length > 0) this.complain(refused.map(({ why }) => why).join(' '));
    if (!model || model.manifest.id === this.held?.id) return;
    const { id } = model.manifest;
    const [{ QuantileNet, netMember }, { loadBackEnd }] = await Promise.all([
      import('../forecast/net'),
      import('./back-ends'),
    ]);
    this.backEnd = await loadBackEnd();
    const shipped = await this.store.shippedModel();
    const net = new QuantileNet(model.weights);
    const before = shipped && shipped.manifest.id !== id ? new QuantileNet(shipped.weights) : null;
    this.letGo();
    this.held = {
      id,
      nets: before ? [net, before] : [net],
      member: guardedMember(
        netMember({
          net,
          name: 'net',
          ...(before && { unseen: { untilMs: model.manifest.data.toMs, net: before } }),
        }),
        (error) => this.complain(`model ${id}: ${error.message}`),
      ),
    };
    const { name, passedOver } = this.backEnd;
    await this.store.noteBackEnd(this.backEnd);
    this.log.info({ model: id, backEnd: name, passedOver }, `forecasts use model ${id} on ${name}`);
  }

  private letGo(): void {
    for (const net of this.held?.nets ?? []) net.dispose();
  }

  private complain(message: string): void {
    if (message === this.complaints) return;
    this.complaints = message;
    this.log.warn({ cause: message }, 'a model can not be used; forecasts go on with what there is');
  }
}
