import { InvalidArgumentError } from 'commander';

const secondsPer: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600 };

/** `500ms`, `30s`, `2m`, `1h` or a bare number of seconds, as seconds. @throws InvalidArgumentError */
export const parseSeconds = (text: string): number => {
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h)?$/.exec(text) ?? [];
  const value = Number(digits) * (secondsPer[unit] ?? NaN);
  if (digits !== '' && value > 0) return value;
  throw new InvalidArgumentError('Write a duration like 30s, 2m or 1h.');
};
