/**
 * Which damage is looked at, and how: every flip, zeroed, swapped and misplaced sector, length and
 * bit of garbage by the quick check, each distinct outcome and a share of the rest by the full one.
 */
import { DATA_FILE_NAME } from '@manifold-db/storage';
import type { ProofRun } from '../proof.js';
import { randomFrom } from '../simulator.js';
import {
  SECTOR_BYTES,
  damageText,
  damagedFiles,
  parseDamage,
  touchedBytes,
  withFlip,
  type Damage,
} from './damages.js';
import { Expectations, type Expectation } from './expectation.js';
import { FullCheck, answerProblem, refusalProblem } from './full-check.js';
import { QuickCheck, type Verdict } from './quick-check.js';
import type { SmallDatabase } from './small-databases.js';

const BITS = 8;
/** The part of a meta page or of a segment header that has fields. */
const META_FIELD_BYTES = 152;
/** Garbage behind the end of a file. */
const GARBAGE_BYTES = [1, 7, 8, 64, 512, 4096, 5000];
/** Of the damages beyond the first of each outcome, the full check takes one in so many. */
export interface Shares {
  readonly readOneIn: number;
  readonly writeOneIn: number;
}

interface Subject {
  readonly database: SmallDatabase;
  readonly expectations: Expectations;
  readonly quick: QuickCheck;
  readonly full: FullCheck;
}

export class Campaign {
  readonly #run: ProofRun;
  readonly #shares: Shares;
  readonly #subjects: Subject[] = [];
  readonly #outcomes = new Set<string>();
  #looked = 0;
  #mostBytes = 0;

  constructor(run: ProofRun, shares: Shares) {
    this.#run = run;
    this.#shares = shares;
  }

  async add(database: SmallDatabase): Promise<void> {
    this.#subjects.push({
      database,
      expectations: new Expectations(database),
      quick: new QuickCheck(database),
      full: await FullCheck.make(database),
    });
  }

  async one(text: string): Promise<void> {
    const [, ...rest] = text.split(' ');
    await this.#look(this.#subjects[0]!, parseDamage(rest.join(' ')), true);
    this.#run.done++;
  }

  /** Every bit of the smallest databases, whole ones, until there are so many bytes. */
  async everyBit(bytesMin: number): Promise<void> {
    let bytes = 0;
    for (const subject of this.#subjects) {
      if (bytes >= bytesMin) break;
      bytes += subject.database.bytes;
      for (const [file, { length }] of subject.database.files) {
        for (let at = 0; at < length * BITS && !this.#run.isOver; at++) {
          await this.#count('everyBit', subject, { kind: 'flip', file, at, to: 0 });
        }
      }
    }
    this.#run.figure('everyBitOfBytes', bytes);
  }

  /** Bits by chance, most of them where something stands. */
  async flips(): Promise<void> {
    const random = randomFrom(this.#run.seed);
    const pick = (count: number) => Math.floor(random() * count);
    while (!this.#run.isOver) {
      const subject = this.#subjects[pick(this.#subjects.length)]!;
      const file = pickFile(subject, random());
      const byte = pickByte(subject, file, random(), pick);
      const at = byte * BITS + pick(BITS);
      await this.#look(subject, { kind: 'flip', file, at, to: 0 }, false);
      this.#run.done++;
    }
  }

  /** Each sector zeroed, exchanged with the next and with some other, and written over another. */
  async sectors(): Promise<void> {
    const random = randomFrom(this.#run.seed + 1);
    for (const subject of this.#subjects) {
      for (const [file, { length }] of subject.database.files) {
        const count = Math.ceil(length / SECTOR_BYTES);
        for (let at = 0; at < count && !this.#run.isOver; at++) {
          const to = Math.floor(random() * count);
          await this.#count('zeroedSectors', subject, { kind: 'zero', file, at, to: 0 });
          await this.#count('swappedSectors', subject, { kind: 'swap', file, at, to });
          await this.#count('misplacedSectors', subject, { kind: 'copy', file, at, to });
          if (at === 0) continue;
          await this.#count('swappedSectors', subject, { kind: 'swap', file, at, to: at - 1 });
        }
      }
    }
  }

  /** Every length of the files of the first databases; of the others, those around each sector. */
  async lengths(wholeCount: number): Promise<void> {
    for (const [index, subject] of this.#subjects.entries()) {
      for (const [file, { length }] of subject.database.files) {
        for (let at = 0; at < length && !this.#run.isOver; at++) {
          const rest = (at + 1) % SECTOR_BYTES;
          if (index >= wholeCount && rest > 2) continue;
          await this.#count('lengths', subject, { kind: 'cut', file, at, to: 0 });
        }
        for (const at of GARBAGE_BYTES) {
          await this.#count('extensions', subject, { kind: 'extend', file, at, to: 0 });
        }
      }
    }
  }

  end(): void {
    this.#run.figure('distinctOutcomes', this.#outcomes.size);
    this.#run.figure('mostBytesOfMemory', this.#mostBytes);
  }

  async #count(what: string, subject: Subject, damage: Damage): Promise<void> {
    this.#run.figure(what, 1);
    await this.#look(subject, damage, false);
  }

  async #look(subject: Subject, damage: Damage, isFull: boolean): Promise<void> {
    const { database, expectations } = subject;
    const touched = touchedBytes(database.files, damage);
    const expected = expectations.of(damage, touched);
    const verdict = this.#quick(subject, damage);
    if (typeof verdict === 'string') {
      this.#problem(subject, damage, verdict);
    } else {
      const problem = verdictProblem(subject, expected, verdict);
      if (problem !== undefined) this.#problem(subject, damage, problem);
      this.#run.figure('sequence' in verdict ? 'answers' : 'refusals', 1);
    }
    this.#looked++;
    const isNew = this.#isNewOutcome(subject, damage, verdict);
    const isRead = isFull || isNew || this.#looked % this.#shares.readOneIn === 0;
    const isWritten = isFull || isNew || this.#looked % this.#shares.writeOneIn === 0;
    if (isRead || isWritten) await this.#full(subject, damage, expected, verdict, isWritten);
  }

  #quick({ database, quick }: Subject, damage: Damage): Verdict | string {
    const { files } = database;
    const isData = damage.file === DATA_FILE_NAME;
    try {
      if (damage.kind === 'flip') {
        return withFlip(files, damage, () => (isData ? quick.data(files) : quick.log(files)));
      }
      const damaged = damagedFiles(files, damage);
      return isData ? quick.data(damaged) : quick.log(damaged);
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.stack}` : String(error);
    }
  }

  /** Numbers out of the message: another place is the same outcome. */
  #isNewOutcome({ database }: Subject, { kind, file }: Damage, verdict: Verdict | string): boolean {
    if (typeof verdict === 'string') return true;
    const what =
      'sequence' in verdict
        ? `${verdict.sequence} ${verdict.generation}`
        : `${verdict.code} ${verdict.message.replace(/\d+/g, '#')}`;
    const outcome = `${database.name} ${kind} ${file} ${what}`;
    if (this.#outcomes.has(outcome)) return false;
    this.#outcomes.add(outcome);
    return true;
  }

  async #full(
    subject: Subject,
    damage: Damage,
    expected: Expectation,
    quick: Verdict | string,
    isWritten: boolean,
  ): Promise<void> {
    const { database, full } = subject;
    const files = damagedFiles(database.files, damage);
    const outcome = await full.read(files, expected);
    this.#run.figure('wholeOpens', 1);
    this.#mostBytes = Math.max(this.#mostBytes, outcome.bytes);
    const problems = [...outcome.problems];
    if (typeof quick !== 'string') problems.push(...disagreements(quick, outcome));
    if (isWritten) {
      this.#run.figure('opensForWriting', 1);
      problems.push(...(await full.write(files, outcome.sequence)));
    }
    for (const problem of problems) this.#problem(subject, damage, problem);
  }

  #problem({ database }: Subject, damage: Damage, text: string): void {
    this.#run.problem(`${database.name} ${damageText(damage)}`, text);
  }
}

function verdictProblem(
  { database }: Subject,
  expected: Expectation,
  verdict: Verdict,
): string | undefined {
  if ('sequence' in verdict) return answerProblem(database, expected, verdict.sequence);
  const problem = refusalProblem(expected, verdict.code);
  return problem === undefined ? undefined : `${problem}: ${verdict.message}`;
}

/**
 * Recovery may refuse what reading would have to, and never reads a page of a tree that the log
 * drops; `verify` reads everything.
 */
function disagreements(
  quick: Verdict,
  { sequence, isVerified }: { sequence: number | undefined; isVerified: boolean | undefined },
): string[] {
  const found: string[] = [];
  if ('sequence' in quick && sequence !== quick.sequence) {
    found.push(`the readers come to commit ${quick.sequence}, the engine to ${sequence}`);
  }
  if ('code' in quick && isVerified === true) {
    found.push(`verify finds nothing where readers find ${quick.message}`);
  }
  return found;
}

/** Two of three flips hit the log, which is a tenth of the bytes. */
function pickFile({ database }: Subject, roll: number): string {
  const logs = [...database.files.keys()].filter((name) => name !== DATA_FILE_NAME);
  const share = roll * 1.5;
  return share < 1 ? logs[Math.floor(share * logs.length)]! : DATA_FILE_NAME;
}

function pickByte(
  { database, expectations }: Subject,
  file: string,
  roll: number,
  pick: (count: number) => number,
): number {
  const { length } = database.files.get(file)!;
  // One in ten is anywhere.
  if (roll < 0.1) return pick(length);
  if (file !== DATA_FILE_NAME) return pick(expectations.usedLogBytes(file));
  const { pageBytes, pageCount } = database.meta;
  if (roll < 0.25) return pick(2) * pageBytes + pick(META_FIELD_BYTES);
  for (;;) {
    const page = pick(pageCount);
    if (expectations.isPageInUse(page)) return page * pageBytes + pick(pageBytes);
  }
}
