import { createReadStream } from 'node:fs';
import { FactsReader, type StreamFacts } from '../../src/verify';

/** What a contribution held, on channel time: its first keyframe is at 0. What came before it is left out. */
export const readSent = async (path: string): Promise<StreamFacts> => {
  const reader = new FactsReader(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) reader.push(chunk);
  const { pictures, sound } = reader.end();
  const zero = pictures[0]?.ptsTicks ?? 0;
  const shifted = <T extends { ptsTicks: number }>(facts: T[]): T[] =>
    facts
      .map((fact) => ({ ...fact, ptsTicks: fact.ptsTicks - zero }))
      .filter(({ ptsTicks }) => ptsTicks >= 0);
  return { pictures: shifted(pictures), sound: shifted(sound) };
};
