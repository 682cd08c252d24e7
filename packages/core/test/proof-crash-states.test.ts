/**
 * Crash states. The power fails before every single operation of whole lives of a database, and
 * leaves any part of what was not synced (`support/power-cut/`). `kill -9` tests cannot see what
 * these see: the kernel keeps what a dead process wrote, a disk without power does not (TRAPS B7).
 */
import type { SimulatedDisk } from '@manifold-db/storage';
import { describe } from 'vitest';
import { Choices, type Fates } from './support/power-cut/choices.js';
import { live, type Life, type Moment } from './support/power-cut/lives.js';
import { look, type Found, type Looked } from './support/power-cut/look.js';
import { ReadRecord, SameReads } from './support/power-cut/same-reads.js';
import { proof, type ProofRun } from './support/proof.js';
import { randomFrom } from './support/simulator.js';

/** Then the next life: in the small size one of every kind in every mode has its turn. */
const IMAGES_PER_LIFE_SMALL = 1_700;
const IMAGES_PER_LIFE_LARGE = 25_000;
/** Every so many images the power fails once more, while it is recovered. */
const SECOND_CUT_EVERY = 20;
/** Moments are taken in this order so that a life that is cut short was looked at everywhere. */
const STRIDE = 7919;

/** The images of one moment, as far as they were not looked at yet. */
interface Search {
  readonly moment: Moment;
  readonly choices: Choices;
  readonly numbers: Iterator<number, void>;
}

class CrashStates {
  readonly #run: ProofRun;
  #life!: Life;
  #number = 0;
  /** Highest acknowledged sequence that each image of this life was checked with. */
  #checked = new Map<number, number>();
  #recoveries = new SameReads<Looked>();
  #reopenings = new SameReads<Found>();

  constructor(run: ProofRun) {
    this.#run = run;
  }

  async life(number: number): Promise<void> {
    await this.#start(number);
    const imagesMax = this.#run.isLarge ? IMAGES_PER_LIFE_LARGE : IMAGES_PER_LIFE_SMALL;
    const left = () => (this.#run.isOver ? 0 : imagesMax - this.#checked.size);
    let searches = this.#searches();
    while (searches.length > 0 && left() > 0) {
      // What some moments have not, the others get in the next round.
      const share = Math.ceil(left() / searches.length);
      const unfinished: Search[] = [];
      for (const search of searches) {
        if (await this.#look(search, () => Math.min(share, left()))) unfinished.push(search);
      }
      searches = unfinished;
    }
  }

  #searches(): Search[] {
    const { moments } = this.#life;
    return moments.map((_, i) => {
      const moment = moments[(i * STRIDE) % moments.length]!;
      const choices = this.#choicesAt(moment);
      return { moment, choices, numbers: choices.numbers() };
    });
  }

  /** At so many images of a moment; false when there are no more. */
  async #look({ moment, choices, numbers }: Search, wanted: () => number): Promise<boolean> {
    for (let taken = 0; taken < wanted();) {
      const { value, done } = numbers.next();
      if (done === true) return false;
      if (await this.#image(moment, value, choices.at(value))) taken++;
    }
    return true;
  }

  /** One image of a failure: `life:operation:choice`. */
  async only(oneCase: string): Promise<void> {
    const [number, operation, wanted] = oneCase.split(':').map(Number);
    await this.#start(number!);
    const moment = this.#life.moments.find((candidate) => candidate.operation === operation);
    if (moment === undefined) throw new RangeError(`${oneCase}: there is no such operation`);
    await this.#image(moment, wanted!, this.#choicesAt(moment).at(wanted!));
  }

  async #start(number: number): Promise<void> {
    this.#number = number;
    this.#life = await live(number, this.#run.seed);
    this.#checked = new Map();
    this.#recoveries = new SameReads();
    this.#reopenings = new SameReads();
    this.#run.figure('lives', 1);
    this.#run.figure('operations', this.#life.moments.length);
  }

  #choicesAt({ disk, operation }: Moment): Choices {
    const seed = this.#run.seed ^ Math.imul(operation + 1, 0x85ebca6b);
    return new Choices(disk.pendingWrites(), seed);
  }

  /** False when the image was looked at before, with no less acknowledged. */
  async #image(moment: Moment, choice: number, fates: Fates): Promise<boolean> {
    const run = this.#run;
    const image = moment.disk.crash({ fates });
    const hash = image.contentHash();
    const before = this.#checked.get(hash);
    if (before !== undefined && before >= moment.acknowledged) return false;
    this.#checked.set(hash, moment.acknowledged);
    if (before === undefined) run.done++;
    const isCutAgain = run.done % SECOND_CUT_EVERY === 0 || run.onlyCase !== undefined;
    const problem = await this.#problem(image, moment, isCutAgain);
    if (problem !== undefined) {
      const oneCase = `${this.#number}:${moment.operation}:${choice}`;
      run.problem(oneCase, `${this.#life.mode}, before ${moment.description}: ${problem}`);
    }
    return true;
  }

  async #problem(
    image: SimulatedDisk,
    { acknowledged }: Moment,
    isCutAgain: boolean,
  ): Promise<string | undefined> {
    const run = this.#run;
    const life = this.#life;
    if (!isCutAgain && this.#isKnown(image, acknowledged)) {
      run.figure('readTheSame', 1);
      return undefined;
    }
    run.figure('recovered', 1);
    const states: SimulatedDisk[] = [];
    const random = randomFrom(run.done);
    const reads = new ReadRecord(image);
    const looked = await look(image, life, acknowledged, {
      toTheEnd: true,
      reopenings: this.#reopenings,
      ...(isCutAgain && { onMoment: (disk) => states.push(disk.crash({ random })) }),
    });
    const { problem, sequence } = looked;
    if (problem !== undefined) return problem;
    this.#recoveries.add(reads, looked);
    const state = states[Math.floor(random() * states.length)];
    if (state === undefined || sequence === undefined) return undefined;
    run.figure('cutAgain', 1);
    // Recovery acknowledges nothing, but what it found it has to keep.
    const after = await look(state, life, sequence, { toTheEnd: false, reopenings: this.#reopenings });
    if (after.problem !== undefined) return `cut again: ${after.problem}`;
    return after.sequence === sequence ? undefined : `cut again: ${after.sequence} commits`;
  }

  /** An image that reads the same as one before, which was right with no less acknowledged. */
  #isKnown(image: SimulatedDisk, acknowledged: number): boolean {
    const known = this.#recoveries.find(image);
    return known !== undefined && (known.outcome.sequence ?? 0) >= acknowledged;
  }
}

describe('crash states', () => {
  const plan = { name: 'crash-states', unit: 'distinct images', small: 40_000, large: 2_000_000 };
  proof(plan, async (run) => {
    const states = new CrashStates(run);
    if (run.onlyCase !== undefined) await states.only(run.onlyCase);
    else for (let number = 0; !run.isOver; number++) await states.life(number);
  });
});
