import { Router, json, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { gopNumberSchema } from '../../../contracts/origin';
import { replicaOrderSchema, unpackGop } from '../../../contracts/origin-replica';
import { SwarmError, idSchema } from '../../../domain';
import { storageRefusal } from '../../../platform/durable-file';
import { parseOrRefuse } from '../../../platform/http';
import { Turns } from '../../../platform/turns';
import { readBody } from '../read-body';
import { wholeNumberSchema } from '../records';
import type { ReplicaGroup } from './group';
import type { Replica } from './replica';

const gopParameter = wholeNumberSchema.pipe(gopNumberSchema);
const channelParameters = z.object({ id: idSchema });
const gopParameters = channelParameters.extend({ gop: gopParameter });
const logQuery = z.object({ from: gopParameter.default(0) });

/** Room for what goes before the bytes. */
const HEAD_BYTES = 256 * 1024;
const MOST_AT_A_TIME = 256;

/** The channels that this origin shares. */
interface SharedChannels {
  /** Takes up a channel that another origin has put on air. */
  look(channelId: string): Promise<void>;
  find(channelId: string): { storedGop(gop: number): Promise<Buffer | null> } | undefined;
}

/** The origin that leads says why this one does not take part. */
const tellRefusal = (error: unknown): never => {
  throw storageRefusal(error, 'its copy') ?? error;
};

/** What other origins ask, `/replicas/…` (src/contracts/origin-replica.ts). */
export const replicaRoutes = (
  origin: SharedChannels,
  group: ReplicaGroup,
  { maxBodyBytes, bodyTimeoutMs }: { maxBodyBytes: number; bodyTimeoutMs: number },
): Router => {
  const router = Router();
  const body = json({ limit: '16kb' });
  const turns = new Turns(MOST_AT_A_TIME);

  const replicaOf = async (req: Request): Promise<Replica> => {
    const { id } = parseOrRefuse(channelParameters, req.params, 'channel');
    if (!group.replica(id)) await origin.look(id);
    const replica = group.replica(id);
    if (replica) return replica;
    throw new SwarmError('unknown-channel', `This origin has no channel ${id}.`, 'Ask another one.');
  };

  const order = (run: (replica: Replica, body: z.infer<typeof replicaOrderSchema>) => Promise<object>) =>
    (async (req, res) => {
      const parsed = parseOrRefuse(replicaOrderSchema, req.body, 'order');
      const replica = await replicaOf(req);
      res.json(await run(replica, parsed).catch(tellRefusal));
    }) satisfies RequestHandler;

  router.get('/:id', async (req, res) => {
    const replica = await replicaOf(req);
    res.json({ ...replica.copy.state, leads: await replica.leadsSoon() });
  });

  router.post(
    '/:id/promise',
    body,
    order((replica, parsed) => replica.copy.promise(parsed)),
  );

  router.post(
    '/:id/follow',
    body,
    order((replica, parsed) => {
      const leader = group.peer(parsed.leader);
      if (leader) return replica.copy.follow(parsed, leader.client);
      throw new SwarmError(
        'bad-request',
        `This origin does not know ${parsed.leader}.`,
        'Name all origins alike in SWARM_ORIGIN_PEERS.',
      );
    }),
  );

  router.get('/:id/log', async (req, res) => {
    const { from } = parseOrRefuse(logQuery, req.query, 'query');
    res.json((await replicaOf(req)).copy.read(from));
  });

  router.get('/:id/gops/:gop', async (req, res) => {
    const { id, gop } = parseOrRefuse(gopParameters, req.params, 'GOP');
    const bytes = await origin.find(id)?.storedGop(gop);
    if (!bytes) throw new SwarmError('not-found', `GOP ${gop} is not stored here.`);
    res.type('application/octet-stream').send(bytes);
  });

  router.put('/:id/gops/:gop', async (req, res) => {
    const { id, gop } = parseOrRefuse(gopParameters, req.params, 'GOP');
    const turn = turns.take({ client: req.socket.remoteAddress ?? '', channel: id });
    if (!turn) throw new SwarmError('unavailable', 'Too many GOPs come at once.', 'Put it again.');
    try {
      const packed = unpackGop(await readBody(req, maxBodyBytes + HEAD_BYTES, bodyTimeoutMs, turn));
      const { copy } = await replicaOf(req);
      const answer = await copy.put(packed.gop, packed.body).catch(tellRefusal);
      res.status(answer.outcome === 'stored' ? 201 : 200).json({ gop, ...answer });
    } finally {
      turn.leave();
    }
  });

  return router;
};
