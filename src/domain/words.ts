/** A text with its full stop, be it there already or not. */
export const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** The same text without doubled full stops: the message that it quotes had one already. */
export const withoutDoubledStops = (text: string): string => text.replace(/(?<=[\w)"'%])\.\.(?=\s|$)/g, '.');

/** Where a move goes, as people read it. A move that has not looked at its channel yet does not know where that is. */
export const movePathInWords = ({
  fromEncoderId: from,
  toEncoderId: to,
}: {
  fromEncoderId: string | null;
  toEncoderId: string | null;
}): string => {
  if (to === null) return from === null ? 'to another encoder' : `away from ${from}`;
  if (from === null) return `to ${to}`;
  return from === to ? `stays on ${to}` : `${from} → ${to}`;
};

/** A need that a plan could not meet, as one sentence. Not each is one of a channel or an encoder. */
export const unmetInWords = ({
  channelId,
  encoderId,
  why,
}: {
  channelId?: string | undefined;
  encoderId?: string | undefined;
  why: string;
}): string => {
  const subject = [channelId, encoderId].filter((id) => id !== undefined).join(' on ');
  return sentence(subject === '' ? why : `${subject}: ${why}`);
};

/** A text of at most so many characters; one that is longer ends with `…`. */
export const cutTo = (most: number, text: string): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;
