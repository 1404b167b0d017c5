import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseOrRefuse } from '../../platform/http';
import type { PlayerWaits } from './blocking-reload';
import type { PartialName } from './partial-rules';
import type { PlayedChannel, PlayedChannels } from './played-channel';
import { foundOrComing, sendMedia, type SentMedia } from './player-answers';
import { wholeNumberSchema } from './records';

/** Name of a partial segment, `17.p3.EXTENSION`, and its query. */
export const partialFile = (extension: string) =>
  z
    .string()
    .regex(new RegExp(`^\\d{1,16}\\.p\\d{1,3}\\.${extension}$`), `use GOP.pINDEX.${extension}`)
    .transform((name) => {
      const [gop, index] = name.split('.p');
      return { gop: Number(gop), index: Number.parseInt(index!, 10) };
    });
const partialQuery = z.object({ t: wholeNumberSchema });

/** Which one is asked for, and of what. */
interface Asked {
  id: string;
  file: { gop: number; index: number };
}

/** A partial segment, and the folder that it is in. */
interface FoundPartial extends Pick<SentMedia, 'type' | 'bytes' | 'open'> {
  folder: string;
}

/**
 * Sends a partial segment, after it has become public where it may still come. What is named otherwise is left to the
 * routes that follow.
 */
export const partialRoute =
  <A extends Asked>(
    {
      channels,
      waits,
      parameters,
    }: { channels: PlayedChannels; waits: PlayerWaits; parameters: z.ZodType<A> },
    find: (channel: PlayedChannel, asked: A, name: PartialName) => FoundPartial | Promise<FoundPartial>,
  ): RequestHandler =>
  async (req, res, next) => {
    const { success, data: asked } = parameters.safeParse(req.params);
    if (!success) {
      next();
      return;
    }
    const name = { ...asked.file, token: parseOrRefuse(partialQuery, req.query, 'query').t };
    const channel = channels.channel(asked.id);
    await waits.untilPublic(req, res, channel, name);
    // Of a token before, none is to come.
    const isComing = (): boolean => {
      const { nextGop, token } = channel.state;
      return name.gop >= nextGop && name.token >= token;
    };
    const { folder, ...media } = await foundOrComing(res, isComing, () => find(channel, asked, name));
    const tag = `${name.gop}.${name.index}-${name.token}-${folder}`;
    await sendMedia(req, res, { ...media, tag, versioned: true });
  };
