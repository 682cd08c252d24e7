/**
 * The command line itself: parsers of single arguments, with what they accept taken back to text;
 * and whole command lines made of words that commands know, which end in an exit code and, when
 * they fail, in one line on stderr. The databases that they name cannot exist.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import { byteCount, wholeNumber } from '../../src/arguments.js';
import { CommandFailure } from '../../src/failure.js';
import { formatOf } from '../../src/input/format.js';
import { parseKeyRule } from '../../src/input/key.js';
import { Output } from '../../src/output.js';
import { runManifold } from '../../src/program.js';
import { TEXT_ENCODINGS, parseBytes, showBytes } from '../../src/text.js';
import { below, pick, type Area, type Fuzzer } from '../../../core/test/support/fuzz/fuzzer.js';
import { garbage, mutate } from '../../../core/test/support/fuzz/mutate.js';
import { streamOf } from '../helpers/chunks.js';

type Random = () => number;

const SAMPLES = [
  '64KiB',
  '1g',
  '4096',
  '0',
  '9007199254740993',
  '1e3',
  'ff00',
  'zz',
  '/w==',
  'YQ=',
  'a,b',
  ',',
  'line',
  'x.json',
  'x.CSV',
  '-',
  '',
  'ä😀',
  '\0\t\\',
];

/** Some text that is nearly right. */
function argument(random: Random): string {
  const bytes = Buffer.from(pick(random, SAMPLES));
  const roll = random();
  if (roll < 0.4) return bytes.toString();
  if (roll < 0.5) garbage(random, bytes);
  else mutate(random, bytes, 0, bytes.length);
  return bytes.toString(random() < 0.5 ? 'latin1' : 'utf8');
}

class ArgumentFuzzer implements Fuzzer {
  one(random: Random): string | undefined {
    const text = argument(random);
    try {
      return this.#parse(random, text);
    } catch (error) {
      const isTyped = error instanceof CommandFailure || error instanceof InvalidArgumentError;
      return isTyped ? undefined : `${JSON.stringify(text)}: ${(error as Error).stack}`;
    }
  }

  #parse(random: Random, text: string): string | undefined {
    const shown = JSON.stringify(text);
    switch (below(random, 6)) {
      case 0: {
        const count = byteCount(text);
        return Number.isSafeInteger(count) && count >= 0 ? undefined : `${count} bytes of ${shown}`;
      }
      case 1: {
        const number = wholeNumber(1, 4096)(text);
        return number >= 1 && number <= 4096 ? undefined : `${number} of ${shown}`;
      }
      case 2:
        parseKeyRule(text, '/');
        return undefined;
      case 3:
        formatOf(text, undefined);
        return undefined;
      case 4: {
        const encoding = pick(random, TEXT_ENCODINGS);
        const bytes = parseBytes(text, encoding, 'it');
        const back = bytes.toString(encoding);
        if (encoding === 'utf8') {
          return back === text.toWellFormed() ? undefined : `${shown} becomes ${back}`;
        }
        const isSame = encoding === 'hex' ? back === text.toLowerCase() : back === text;
        // Base64 has spare bits in front of its padding; they are no data.
        return isSame || (encoding === 'base64' && back.length === text.length)
          ? undefined
          : `${shown} becomes ${back}`;
      }
      default: {
        const bytes = Buffer.from(text, 'latin1');
        const line = showBytes(bytes, 'utf8');
        // oxlint-disable-next-line no-control-regex
        return /[\u0000-\u001f\u007f]/.test(line) ? `${shown} is shown raw` : undefined;
      }
    }
  }
}

const COMMANDS = [
  'load',
  'get',
  'put',
  'delete',
  'scan',
  'count',
  'stats',
  'verify',
  'backup',
  'dump',
  'help',
  'nonsense',
];
const FLAGS = [
  '--json',
  '--cf',
  '--encoding',
  '--gt',
  '--gte',
  '--lt',
  '--lte',
  '--prefix',
  '--limit',
  '--reverse',
  '--mode',
  '--durability',
  '--cache-bytes',
  '--format',
  '--key',
  '--key-separator',
  '--batch',
  '--in-flight',
  '--quiet',
  '--if-absent',
  '--if-value',
  '--help',
  '--version',
  '--',
  '-x',
];
const WORDS = ['hex', 'base64', 'utf8', 'buffered', 'async', 'ndjson', 'csv', 'default'];

class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

class CommandFuzzer implements Fuzzer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'manifold-fuzz-cli-'));
  readonly #file = join(this.#directory, 'file');

  constructor() {
    writeFileSync(this.#file, 'no database');
  }

  async one(random: Random): Promise<string | undefined> {
    const args = this.#words(random);
    const [out, err] = [new Memory(), new Memory()];
    const context = {
      stdin: streamOf([Buffer.from(argument(random))]),
      stdout: new Output(out),
      stderr: new Output(err),
      stderrIsTerminal: false,
      interrupted: new AbortController().signal,
    };
    const shown = JSON.stringify(args);
    let code: number;
    try {
      code = await runManifold(args, context, '1.2.3');
    } catch (error) {
      return `${shown}: ${(error as Error).stack}`;
    }
    if (![0, 1, 2].includes(code)) return `${shown}: exit code ${code}`;
    const isHelp = /^Usage: /m.test(err.text) || /^Usage: /m.test(out.text);
    if (code === 0 || isHelp) return undefined;
    const isOneLine = /^error: [^\n]+\n$/.test(err.text);
    return isOneLine ? undefined : `${shown}: stderr is ${JSON.stringify(err.text)}`;
  }

  /** The database and the files lie below something that is no directory. */
  #words(random: Random): string[] {
    const place = join(this.#file, 'db');
    const words = [pick(random, COMMANDS)];
    if (random() < 0.9) words.push(place);
    for (let count = below(random, 6); count > 0; count--) {
      const roll = random();
      if (roll < 0.5) words.push(pick(random, FLAGS));
      else if (roll < 0.7) words.push(pick(random, WORDS));
      else words.push(random() < 0.3 ? place : argument(random));
    }
    // `backup` and `put` create what they are told to, so nothing relative comes first.
    if (words[1] !== place) words.splice(1, 0, place);
    if (words[0] === 'backup') words.splice(2, 0, place);
    return words;
  }

  close(): Promise<undefined> {
    rmSync(this.#directory, { recursive: true, force: true });
    return Promise.resolve(undefined);
  }
}

export const ARGUMENTS: Area = {
  name: 'arguments',
  perRound: 20,
  make: () => Promise.resolve(new ArgumentFuzzer()),
};

export const COMMAND_LINES: Area = {
  name: 'commandLines',
  perRound: 1,
  make: () => Promise.resolve(new CommandFuzzer()),
};
