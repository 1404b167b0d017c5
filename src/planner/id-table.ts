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
 * ids that were removed are used again, so a slot says nothing about order: `rank` does.
 */
export class IdTable {
  private readonly slots = new Map<string, number>();
  private readonly idsBySlot: (string | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private sorted: number[] = [];
  private ranks = new Int32Array(0);
  private isSorted = true;

  /** Slots ever used: the length that arrays by slot need. */
  get slotCount(): number {
    return this.idsBySlot.length;
  }

  get size(): number {
    return this.slots.size;
  }

  /** -1 if the id is not here. */
  slotOf(id: string): number {
    return this.slots.get(id) ?? ABSENT;
  }

  idOf(slot: number): string {
    return this.idsBySlot[slot] as string;
  }

  add(id: string): number {
    const known = this.slots.get(id);
    if (known !== undefined) return known;
    const slot = this.freeSlots.pop() ?? this.idsBySlot.length;
    this.slots.set(id, slot);
    this.idsBySlot[slot] = id;
    this.sorted.push(slot);
    this.isSorted = false;
    return slot;
  }

  remove(id: string): void {
    const slot = this.slotOf(id);
    if (slot === ABSENT) return;
    this.slots.delete(id);
    this.idsBySlot[slot] = undefined;
    this.freeSlots.push(slot);
    this.sorted.splice(this.sorted.indexOf(slot), 1);
    this.isSorted = false;
  }

  /** Slots in the order of their ids. */
  inOrder(): readonly number[] {
    if (!this.isSorted) {
      const ids = this.idsBySlot as string[];
      this.sorted.sort((a, b) => ((ids[a] as string) < (ids[b] as string) ? -1 : 1));
      this.ranks = grownInts(this.ranks, this.slotCount);
      this.sorted.forEach((slot, rank) => (this.ranks[slot] = rank));
      this.isSorted = true;
    }
    return this.sorted;
  }

  /** Place of a slot's id in the order of all ids. */
  rank(slot: number): number {
    if (!this.isSorted) this.inOrder();
    return this.ranks[slot] as number;
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
