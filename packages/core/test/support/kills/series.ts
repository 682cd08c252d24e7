/**
 * A series of kills over one database, from its creation to an orderly end: all of it follows from
 * the seed and the number of the series, but for the moments that the machine decides. Each opening
 * checks what the kill before has left. Six processes die, another one survives the deaths of eight
 * workers and verifies every page; that is the last one, or the second. Test thread.
 */
import { SMALL } from '../api-database.js';
import { tourOfModes } from '../modes.js';
import { randomFrom } from '../simulator.js';
import { runLives, type Ended, type KillMoment } from './child.js';
import { KillOracle } from './oracle.js';
import { CREATION_POINTS, POINTS, WORKER_POINTS, type NamedPoint } from './points.js';
import type { Life } from './program.js';

/** Fill some log segments, so that they are recycled. */
const COMMITS = 260;
const POINTS_PER_SERIES = 3;
/** Longer than an opening takes, so that the moment of a random kill can be any. */
const OPENING_MS = 60;
const WORKER_HOWS = ['throw', 'exhaust', 'throw', 'exhaust', 'throw', 'exhaust'] as const;
/** How a worker's end is worded, by what ended it; a thread that was blocked knows no more. */
const FAILURES = {
  terminate: /the worker manifold-\w+(-0)? stopped(: exit code 1)?"$/,
  throw: /killed by the test"$/,
  exhaust: /the worker manifold-\w+(-0)? stopped(: .*memory limit.*)?"$/,
} as const;
const CODES = /^ERR_MANIFOLD_(INDETERMINATE|POISONED)$/;

type Random = () => number;

export class KillSeries {
  readonly oracle = new KillOracle();
  readonly problems: string[] = [];
  /** Names of the points at which something died, with how it died. */
  readonly points: string[] = [];
  readonly missed: string[] = [];
  /** Kills by kind. */
  readonly kills: Record<string, number> = {};
  processes = 0;
  readonly #path: string;
  readonly #number: number;
  readonly #random: Random;
  readonly #modes = tourOfModes();
  #lives = 0;

  constructor(path: string, number: number, seed: number) {
    this.#path = path;
    this.#number = number;
    this.#random = randomFrom(seed + number * 7919);
    this.#lives = Math.floor(this.#random() * this.#modes.length);
  }

  get count(): number {
    return Object.values(this.kills).reduce((sum, kills) => sum + kills, 0);
  }

  async run(): Promise<void> {
    const number = this.#number;
    await this.#pointKill(CREATION_POINTS[number % CREATION_POINTS.length]!);
    // New log segments are made in a young database only; an old one recycles them.
    const isYoung = number % 2 === 1;
    if (isYoung) await this.#workerDeaths();
    await this.#randomKill();
    for (let i = 0; i < POINTS_PER_SERIES; i++) {
      // The points of one series are far from one another.
      const at = number + Math.floor((i * POINTS.length) / POINTS_PER_SERIES);
      await this.#pointKill(POINTS[at % POINTS.length]!);
    }
    await this.#exit();
    if (!isYoung) await this.#workerDeaths();
  }

  // --- deaths of the process --------------------------------------------------------------------

  async #pointKill({ name, point }: NamedPoint): Promise<void> {
    const life = this.#life({ point });
    const ended = await this.#runOne(life);
    if (ended.signal === 'SIGKILL' && !ended.hung) this.#killed('point', name);
    else if (this.#isFinished(`${name}, ${life.options.mode}`, ended)) this.missed.push(name);
  }

  /** Some while it opens, most while it commits. */
  async #randomKill(): Promise<void> {
    const random = this.#random;
    const isOpening = random() < 0.25;
    const lines = isOpening ? 1 : 2 + Math.floor(random() ** 2 * COMMITS);
    const kill = { lines, delayMs: random() * (isOpening ? OPENING_MS : 5) };
    const ended = await this.#runOne(this.#life({ commits: 10_000 }), kill);
    if (ended.signal === 'SIGKILL' && !ended.hung) this.#killed('random');
    else this.#fail(`kill ${JSON.stringify(kill)}`, ended);
  }

  async #exit(): Promise<void> {
    const exitAfter = 1 + Math.floor(this.#random() * COMMITS * 0.7);
    const ended = await this.#runOne(this.#life({ exitAfter }));
    if (ended.code === 0 && ended.lines.at(-1)?.startsWith('acknowledged') === true) {
      this.#killed('exit');
    } else this.#fail(`exit after ${exitAfter}`, ended);
  }

  async #runOne(life: Life, kill?: KillMoment): Promise<Ended> {
    this.processes++;
    const ended = await runLives(this.#path, [life], kill === undefined ? {} : { kill });
    this.#take([life], ended.lines);
    return ended;
  }

  // --- deaths of workers ------------------------------------------------------------------------

  async #workerDeaths(): Promise<void> {
    const lives = [this.#terminate('wal'), this.#terminate('apply')];
    for (const [i, how] of WORKER_HOWS.entries()) {
      const step = this.#number * WORKER_HOWS.length + i;
      const { point } = WORKER_POINTS[(step * 7) % WORKER_POINTS.length]!;
      lives.push(this.#life({ point: { ...point, how } }));
    }
    shuffle(lives, this.#random);
    lives.sort((a, b) => Number(makesSegment(b)) - Number(makesSegment(a)));
    lives.push(this.#life({ commits: 0, verify: true }));
    this.processes++;
    const ended = await runLives(this.#path, lives, { checks: this.#number % 2 === 0 });
    this.#take(lives, ended.lines);
    this.#isFinished('deaths of workers', ended);
  }

  #terminate(worker: 'wal' | 'apply'): Life {
    const random = this.#random;
    const isStarting = random() < 0.2;
    const after = isStarting ? 0 : 1 + Math.floor(random() * COMMITS * 0.7);
    return this.#life({ terminate: { worker, after, delayMs: random() * OPENING_MS } });
  }

  // --- what the processes say -------------------------------------------------------------------

  #take(lives: readonly Life[], lines: readonly string[]): void {
    const starts = lines.flatMap((line, i) => (line === 'opening' ? [i] : []));
    for (const [i, start] of starts.entries()) {
      this.#takeLife(lives[i]!, lines.slice(start, starts[i + 1]));
    }
  }

  #takeLife(life: Life, lines: readonly string[]): void {
    let failure: string | undefined;
    let closed: string | undefined;
    for (const line of lines) {
      const [event, first = '', second = ''] = line.split(' ');
      if (event === 'opened') this.oracle.opened(life.tag, Number(first), second);
      else if (event === 'acknowledged') this.oracle.acknowledge(Number(first), second);
      else if (event === 'dead') failure = line;
      else if (event === 'unopened') this.#unopened(life, first);
      else if (event === 'read') this.oracle.read(Number(first), second);
      else if (event === 'closed') closed = first;
      else this.#expectLine(life, line);
    }
    this.#takeProblems(life);
    if (closed === undefined) return;
    if (failure !== undefined || closed !== 'done') this.#workerDied(life, failure, closed);
    else if (life.point !== undefined && life.point.how !== 'kill') this.missed.push(nameOf(life));
  }

  /** Every other line has one right form. */
  #expectLine(life: Life, line: string): void {
    const [event = '', first = '', second = ''] = line.split(' ');
    const isRight: Record<string, () => boolean> = {
      refused: () => CODES.test(first),
      pending: () => CODES.test(second),
      ended: () => second === 'ERR_MANIFOLD_CLOSED',
      snapshot: () => first === second,
      verified: () => first === '',
      opening: () => true,
      finished: () => true,
    };
    if (isRight[event]?.() !== true) this.#problem(life, line);
  }

  #unopened(life: Life, code: string): void {
    const how = life.terminate === undefined ? life.point?.how : 'terminate';
    if (how === undefined || how === 'kill' || code !== 'ERR_MANIFOLD_WORKER') {
      this.#problem(life, `does not open: ${code}`);
    } else if (life.point === undefined) this.#killed(how);
    else this.#killed(how, nameOf(life));
  }

  #workerDied(life: Life, failure: string | undefined, closed: string): void {
    const how = life.terminate === undefined ? life.point?.how : 'terminate';
    const isMeant = how !== undefined && how !== 'kill';
    const isAsExpected = isMeant && (failure === undefined || FAILURES[how].test(failure));
    if (!isAsExpected || closed !== 'ERR_MANIFOLD_POISONED') {
      this.#problem(life, `${failure ?? 'no failure'}, closed ${closed}`);
    } else if (life.point === undefined) this.#killed(how);
    else this.#killed(how, nameOf(life));
  }

  // --- account ----------------------------------------------------------------------------------

  #life(rest: Partial<Life>): Life {
    const mode = this.#modes[this.#lives++ % this.#modes.length]!;
    const options = { ...SMALL, mode, checkpointIntervalMs: 20 };
    return { tag: `life-${this.#number}-${this.#lives}`, options, commits: COMMITS, ...rest };
  }

  #killed(kind: string, point?: string): void {
    this.kills[kind] = (this.kills[kind] ?? 0) + 1;
    if (point !== undefined) this.points.push(point);
  }

  #isFinished(what: string, ended: Ended): boolean {
    const isFinished = ended.code === 0 && ended.lines.at(-1) === 'finished';
    if (!isFinished) this.#fail(what, ended);
    return isFinished;
  }

  #fail(what: string, { lines, code, signal, errors, hung }: Ended): void {
    const end = hung ? 'hung' : `ended with ${code ?? signal}`;
    const last = lines.slice(-3).join('; ');
    this.problems.push(`${what}: ${end} after '${last}': ${errors.slice(0, 2000)}`);
  }

  #problem(life: Life, text: string): void {
    this.problems.push(`${life.tag}, ${life.options.mode}, ${nameOf(life)}: ${text}`);
  }

  #takeProblems(life: Life): void {
    for (const text of this.oracle.problems.splice(0)) this.#problem(life, text);
  }
}

function shuffle(lives: Life[], random: Random): void {
  for (let i = lives.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [lives[i], lives[other]] = [lives[other]!, lives[i]!];
  }
}

/** Dies while it makes a new log segment. */
function makesSegment({ point }: Life): boolean {
  return point?.pathIncludes === 'wal-new';
}

function nameOf({ point, terminate, exitAfter }: Life): string {
  if (terminate !== undefined) return `terminate ${terminate.worker} after ${terminate.after}`;
  if (exitAfter !== undefined) return `exit after ${exitAfter}`;
  if (point === undefined) return 'plain';
  const { thread, how, stage, operation, call, pathIncludes, belowOffset } = point;
  const place = belowOffset === undefined ? pathIncludes : 'meta';
  return `${thread}: ${how} ${stage} ${operation} ${call}${place === '' ? '' : ` of ${place}`}`;
}
