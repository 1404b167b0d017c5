const ABSENT = -1;

export type Floats = Float64Array<ArrayBuffer>;
export type Ints = Int32Array<ArrayBuffer>;

/** The array with room for `length` entries; its content is kept. */
export const grownFloats = (array: Floats, length: number): Floats => {
  if (array.length >= length) return array;
  const larger = new Float64Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
};

export const grownInts = (array: Ints, length: number): Ints => {
  if (array.length >= length) return array;
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
};

/**
 * Gives ids the numbers 0, 1, 2, …, their slots, under which typed arrays hold what is known of them. Slots of
 * ids that were removed are used again, so a slot says nothing about order: `compare` does.
 */
export class IdTable {
  private readonly slotById = new Map<string, number>();
  private readonly idBySlot: (string | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private sorted: number[] | null = null;

  /** Slots ever used: the length that arrays by slot need. */
  get slotCount(): number {
    return this.idBySlot.length;
  }

  get size(): number {
    return this.slotById.size;
  }

  /** -1 if the id is not here. */
  slotOf(id: string): number {
    return this.slotById.get(id) ?? ABSENT;
  }

  idOf(slot: number): string {
    return this.idBySlot[slot]!;
  }

  add(id: string): number {
    const known = this.slotById.get(id);
    if (known !== undefined) return known;
    const slot = this.freeSlots.pop() ?? this.idBySlot.length;
    this.slotById.set(id, slot);
    this.idBySlot[slot] = id;
    this.sorted = null;
    return slot;
  }

  remove(id: string): void {
    const slot = this.slotOf(id);
    if (slot === ABSENT) return;
    this.slotById.delete(id);
    this.idBySlot[slot] = undefined;
    this.freeSlots.push(slot);
    this.sorted = null;
  }

  /** Orders slots by their ids. */
  compare(a: number, b: number): number {
    const [one, two] = [this.idOf(a), this.idOf(b)];
    return one < two ? -1 : one > two ? 1 : 0;
  }

  /** Slots in the order of their ids. */
  inOrder(): readonly number[] {
    this.sorted ??= this.filter(() => true);
    return this.sorted;
  }

  /** Slots that pass, in the order of their ids: where few do, much less work than `inOrder`. */
  filter(passes: (slot: number) => boolean): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.idBySlot.length; slot++)
      if (this.idBySlot[slot] !== undefined && passes(slot)) found.push(slot);
    return found.sort((a, b) => this.compare(a, b));
  }
}

/** Numbers words (regions, zones, classes) in the order of their first appearance. */
export class WordTable {
  private readonly numbers = new Map<string, number>();
  readonly words: string[] = [];

  numberOf(word: string): number {
    const known = this.numbers.get(word);
    if (known !== undefined) return known;
    this.numbers.set(word, this.words.length);
    return this.words.push(word) - 1;
  }

  /** -1 if the word was never numbered. */
  find(word: string): number {
    return this.numbers.get(word) ?? ABSENT;
  }
}
