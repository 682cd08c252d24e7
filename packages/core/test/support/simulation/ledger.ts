/**
 * Which commit got which sequence. Commits take sequences in the order in which they were handed
 * in; the ones that were refused, and those that change nothing, take none. So the watermark
 * `lastCommitted` alone tells the model what is visible, long before the acknowledgement.
 */
import type { Family, Model, ModelOperation } from './model.js';

/** What a transaction has read; it commits only while all of it still holds. */
export interface ReadNote {
  readonly family: Family;
  readonly key: number;
  readonly value: string | undefined;
}

export class Submission {
  readonly name: string;
  readonly operations: readonly ModelOperation[];
  readonly reads: readonly ReadNote[];
  /** 0 while it has none. */
  sequence = 0;
  isRefused = false;
  /** It changed nothing. */
  isEmpty = false;

  constructor(
    name: string,
    operations: readonly ModelOperation[],
    reads: readonly ReadNote[] = [],
  ) {
    this.name = name;
    this.operations = operations;
    this.reads = reads;
  }

  takesEffect(model: Model): boolean {
    const { last } = model;
    const isCurrent = this.reads.every(
      ({ family, key, value }) => model.get(family, key, last) === value,
    );
    return isCurrent && this.operations.some((operation) => model.changes(operation, last));
  }
}

export class Ledger {
  readonly #model: Model;
  #queue: Submission[] = [];
  /** Failed while it was appended: the log may have all of it. */
  doubtful: Submission | undefined;

  constructor(model: Model) {
    this.#model = model;
  }

  submit(submission: Submission): Submission {
    this.#queue.push(submission);
    return submission;
  }

  /** Gives the sequences up to the watermark to who is next; a problem when nobody is. */
  bind(lastCommitted: number): string | undefined {
    const model = this.#model;
    while (model.last < lastCommitted) {
      const next = this.#queue.shift();
      if (next === undefined) return `nobody has written commit ${model.last + 1}`;
      if (next.isRefused) continue;
      if (!next.takesEffect(model)) {
        next.isEmpty = true;
        continue;
      }
      model.commit(next.operations);
      next.sequence = model.last;
    }
    return undefined;
  }

  /** The commit was acknowledged with this sequence. */
  resolved(submission: Submission, sequence: number): string | undefined {
    if (submission.sequence !== 0) {
      if (submission.sequence === sequence) return undefined;
      return `${submission.name} got ${sequence}, but its place is ${submission.sequence}`;
    }
    if (submission.isEmpty) return undefined;
    // Nothing behind it was bound, so the model stands where it was built.
    if (!submission.takesEffect(this.#model)) {
      submission.isEmpty = true;
      return undefined;
    }
    return `${submission.name} was acknowledged as ${sequence} and is nowhere`;
  }

  rejected(submission: Submission, code: string): string | undefined {
    if (code === 'ERR_MANIFOLD_INDETERMINATE') {
      const isOpen = submission.sequence === 0 && !submission.isEmpty;
      if (isOpen && submission.takesEffect(this.#model)) this.doubtful ??= submission;
      return undefined;
    }
    submission.isRefused = true;
    if (submission.sequence === 0) return undefined;
    return `${submission.name} was refused (${code}), but it is commit ${submission.sequence}`;
  }
}
