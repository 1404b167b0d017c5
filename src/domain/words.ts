/** A text with its full stop, be it there already or not. */
export const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);
