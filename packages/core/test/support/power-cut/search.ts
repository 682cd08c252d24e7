/**
 * Search of crash states for one that does not recover to what was promised: life after life, and
 * image after image of its moments. What was looked at before is not looked at again.
 */
import type { SimulatedDisk } from '@manifold-db/storage';
import { randomFrom } from '../simulator.js';
import { Choices, type Fates } from './choices.js';
import { live, type Life, type Moment } from './lives.js';
import { look, type Found, type Looked } from './look.js';
import { ReadRecord, SameReads } from './same-reads.js';

/** How far the search goes, and where it says what it found. */
export interface Campaign {
  readonly seed: number;
  /** Then the next life. */
  readonly imagesPerLife: number;
  /** Of the engine that lives; the one that recovers is as it is. */
  readonly testSwitches?: number;
  /** One image is looked at again: whatever can be done with it is done. */
  readonly isOfOneCase: boolean;
  readonly isOver: boolean;
  /** One distinct image more; their number so far. */
  looked(): number;
  figure(name: string, value: number): void;
  /** A counter-example; the case is what `only` takes. */
  problem(oneCase: string, text: string): void;
}

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

export class CrashStates {
  readonly #campaign: Campaign;
  #life!: Life;
  #number = 0;
  #looked = 0;
  /** Highest acknowledged sequence that each image of this life was checked with. */
  #checked = new Map<number, number>();
  #recoveries = new SameReads<Looked>();
  #reopenings = new SameReads<Found>();

  constructor(campaign: Campaign) {
    this.#campaign = campaign;
  }

  async life(number: number): Promise<void> {
    await this.#start(number);
    const campaign = this.#campaign;
    const left = () => (campaign.isOver ? 0 : campaign.imagesPerLife - this.#checked.size);
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
    const { seed, testSwitches = 0 } = this.#campaign;
    this.#number = number;
    this.#life = await live(number, seed, testSwitches);
    this.#checked = new Map();
    this.#recoveries = new SameReads();
    this.#reopenings = new SameReads();
    this.#campaign.figure('lives', 1);
    this.#campaign.figure('operations', this.#life.moments.length);
  }

  #choicesAt({ disk, operation }: Moment): Choices {
    const seed = this.#campaign.seed ^ Math.imul(operation + 1, 0x85ebca6b);
    return new Choices(disk.pendingWrites(), seed);
  }

  /** False when the image was looked at before, with no less acknowledged. */
  async #image(moment: Moment, choice: number, fates: Fates): Promise<boolean> {
    const campaign = this.#campaign;
    const image = moment.disk.crash({ fates });
    const hash = image.contentHash();
    const before = this.#checked.get(hash);
    if (before !== undefined && before >= moment.acknowledged) return false;
    this.#checked.set(hash, moment.acknowledged);
    if (before === undefined) this.#looked = campaign.looked();
    const isCutAgain = this.#looked % SECOND_CUT_EVERY === 0 || campaign.isOfOneCase;
    const random = randomFrom(Math.imul(moment.operation + 1, 0x9e3779b1) ^ choice);
    const problem = await this.#problem(image, moment, isCutAgain ? random : undefined);
    if (problem !== undefined) {
      const oneCase = `${this.#number}:${moment.operation}:${choice}`;
      campaign.problem(oneCase, `${this.#life.mode}, before ${moment.description}: ${problem}`);
    }
    return true;
  }

  /** `random`: for the cut during recovery, when there is to be one. */
  async #problem(
    image: SimulatedDisk,
    { acknowledged }: Moment,
    random: (() => number) | undefined,
  ): Promise<string | undefined> {
    const campaign = this.#campaign;
    if (random === undefined && this.#isKnown(image, acknowledged)) {
      campaign.figure('readTheSame', 1);
      return undefined;
    }
    campaign.figure('recovered', 1);
    let cut: SimulatedDisk | undefined;
    let moments = 0;
    const onMoment = (disk: SimulatedDisk): void => {
      // Each of them is the one that stays with the same probability.
      if (random!() * ++moments < 1) cut = disk.crash({ random: random! });
    };
    const reads = new ReadRecord(image);
    const looked = await look(image, this.#life, acknowledged, {
      reopenings: this.#reopenings,
      ...(random !== undefined && { onMoment }),
    });
    const { problem, sequence } = looked;
    if (problem !== undefined) return problem;
    this.#recoveries.add(reads, looked);
    return cut === undefined || sequence === undefined ? undefined : this.#again(cut, sequence);
  }

  /** Recovery acknowledges nothing, but what it found it has to keep. */
  async #again(cut: SimulatedDisk, sequence: number): Promise<string | undefined> {
    this.#campaign.figure('cutAgain', 1);
    const after = await look(cut, this.#life, sequence, {});
    if (after.problem !== undefined) return `cut again: ${after.problem}`;
    return after.sequence === sequence ? undefined : `cut again: ${after.sequence} commits`;
  }

  /** An image that reads the same as one before, which was right with no less acknowledged. */
  #isKnown(image: SimulatedDisk, acknowledged: number): boolean {
    const known = this.#recoveries.find(image);
    return known !== undefined && (known.outcome.sequence ?? 0) >= acknowledged;
  }
}
