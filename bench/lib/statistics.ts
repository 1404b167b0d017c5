export const rounded = (value: number | null, digits = 1): number | null =>
  value === null ? null : Number(value.toFixed(digits));

export const pick = <T>(random: () => number, items: readonly T[]): T => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};
