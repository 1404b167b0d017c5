import { channelWithDefaults, seededRandom, type ChannelSpec } from '../../../src/domain';

/** Letters that gzip can't make shorter. */
export const noise = (characters: number, random: () => number): string =>
  Array.from({ length: characters }, () => Math.floor(random() * 36).toString(36)).join('');

/** Channels with live inputs, each with a stream key of its own, of so many characters. */
export const manyChannels = (count: number, keyCharacters = 24, seed = 1): ChannelSpec[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const url = `https://ingest-${i % 7}.example.net/live/${noise(keyCharacters, random)}/index.m3u8`;
    return channelWithDefaults(`ch-${i + 1}`, { kind: 'url', url });
  });
};
