/**
 * What the database must hold after each commit: for every key of every family the versions it had,
 * so that the state at any sequence can be asked for without a copy.
 */
export const FAMILIES = ['default', 'left', 'right'] as const;
export type Family = (typeof FAMILIES)[number];

const KEY_COUNT = 24;
/** In order. */
export const KEYS: readonly string[] = Array.from(
  { length: KEY_COUNT },
  (_, i) => `key-${String(i).padStart(2, '0')}`,
);

/** Keys by their place in `KEYS`. */
export type ModelOperation =
  | { readonly do: 'put'; readonly family: Family; readonly key: number; readonly value: string }
  | { readonly do: 'delete'; readonly family: Family; readonly key: number }
  | { readonly do: 'clear'; readonly family: Family; readonly from: number; readonly end: number }
  | { readonly do: 'drop'; readonly family: Family };

export type Entry = readonly [key: string, value: string];

/** Versions in the order of their sequences. */
class History<T> {
  readonly #sequences: number[] = [];
  readonly #values: T[] = [];
  readonly #first: T;

  constructor(first: T) {
    this.#first = first;
  }

  set(sequence: number, value: T): void {
    const last = this.#sequences.length - 1;
    if (this.#sequences[last] === sequence) {
      this.#values[last] = value;
    } else {
      this.#sequences.push(sequence);
      this.#values.push(value);
    }
  }

  at(sequence: number): T {
    const sequences = this.#sequences;
    let i = sequences.length - 1;
    // Newest first: most questions are about the newest versions.
    while (i >= 0 && sequences[i]! > sequence) i--;
    return i < 0 ? this.#first : this.#values[i]!;
  }

  forgetAfter(sequence: number): void {
    while (this.#sequences.length > 0 && this.#sequences.at(-1)! > sequence) {
      this.#sequences.pop();
      this.#values.pop();
    }
  }
}

export class Model {
  readonly #values = FAMILIES.map(() => KEYS.map(() => new History<string | undefined>(undefined)));
  readonly #existence = FAMILIES.map((name) => new History(name === 'default'));
  /** Newest sequence. */
  last = 0;

  get(family: Family, key: number, sequence: number): string | undefined {
    return this.#values[FAMILIES.indexOf(family)]![key]!.at(sequence);
  }

  exists(family: Family, sequence: number): boolean {
    return this.#existence[FAMILIES.indexOf(family)]!.at(sequence);
  }

  entries(family: Family, sequence: number): Entry[] {
    const found: Entry[] = [];
    for (const [i, history] of this.#values[FAMILIES.indexOf(family)]!.entries()) {
      const value = history.at(sequence);
      if (value !== undefined) found.push([KEYS[i]!, value]);
    }
    return found;
  }

  /** Whether the operation changes anything in the newest state; otherwise it leaves no trace. */
  changes(operation: ModelOperation, sequence: number): boolean {
    if (operation.do === 'put') return true;
    if (operation.do === 'drop') return this.exists(operation.family, sequence);
    if (operation.do === 'delete') {
      return this.get(operation.family, operation.key, sequence) !== undefined;
    }
    for (let key = operation.from; key < operation.end; key++) {
      if (this.get(operation.family, key, sequence) !== undefined) return true;
    }
    return false;
  }

  /** The next commit. */
  commit(operations: readonly ModelOperation[]): void {
    this.last++;
    for (const operation of operations) this.#apply(operation);
  }

  #apply(operation: ModelOperation): void {
    const at = FAMILIES.indexOf(operation.family);
    const values = this.#values[at]!;
    if (operation.do === 'put') {
      values[operation.key]!.set(this.last, operation.value);
      this.#existence[at]!.set(this.last, true);
      return;
    }
    if (operation.do === 'delete') {
      values[operation.key]!.set(this.last, undefined);
      return;
    }
    const isDrop = operation.do === 'drop';
    const from = isDrop ? 0 : operation.from;
    const end = isDrop ? KEYS.length : operation.end;
    for (let key = from; key < end; key++) {
      if (values[key]!.at(this.last) !== undefined) values[key]!.set(this.last, undefined);
    }
    if (isDrop) this.#existence[at]!.set(this.last, false);
  }

  /** Recovery has found so many commits: the others never were. */
  forgetAfter(sequence: number): void {
    this.last = sequence;
    for (const history of [...this.#values.flat(), ...this.#existence]) {
      history.forgetAfter(sequence);
    }
  }
}
