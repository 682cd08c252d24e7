/**
 * Parsers of option values, and the options that several commands share. A parser throws
 * `InvalidArgumentError`, which commander turns into a message that names the option.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { TEXT_ENCODINGS, type TextEncoding } from './text.js';

export const MODES = ['sequential', 'async-wal', 'pipelined', 'buffered'] as const;
export const DURABILITIES = ['immediate', 'async', 'none'] as const;
export type ModeName = (typeof MODES)[number];
export type DurabilityName = (typeof DURABILITIES)[number];

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
};

/** A parser of whole numbers within bounds. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
  };
}

/** `4096`, `64K`, `64KiB`, `1g`: a number of bytes. */
export function byteCount(text: string): number {
  const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text);
  const unit = BYTE_UNITS[match?.[2]?.toLowerCase() ?? ''];
  const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Give a number of bytes, such as 65536, 64K, 64MiB or 1G.');
}

export interface JsonOption {
  readonly json?: boolean;
}

export interface FamilyOption {
  readonly cf: string;
}

export interface EncodingOption {
  readonly encoding: TextEncoding;
}

export interface BoundOptions {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly prefix?: string;
}

export interface EngineOptions {
  readonly mode?: ModeName;
  readonly durability?: DurabilityName;
  readonly cacheBytes?: number;
}

export function addJson(command: Command): Command {
  return command.option('--json', 'print JSON on stdout');
}

export function addFamily(command: Command): Command {
  return command.option('--cf <name>', 'column family', 'default');
}

export function addEncoding(command: Command): Command {
  const option = new Option('--encoding <name>', 'how keys and values stand on the command line');
  return command.addOption(option.choices(TEXT_ENCODINGS).default('utf8'));
}

export function addBounds(command: Command): Command {
  return command
    .option('--gt <key>', 'keys behind this one')
    .option('--gte <key>', 'keys from this one on')
    .option('--lt <key>', 'keys before this one')
    .option('--lte <key>', 'keys up to this one')
    .option('--prefix <key>', 'keys that begin with this');
}

export function addDurability(command: Command): Command {
  const option = new Option('--durability <name>', 'what to wait for before a commit counts');
  return command.addOption(option.choices(DURABILITIES).default('immediate'));
}

export function addMode(command: Command): Command {
  return command.addOption(new Option('--mode <name>', 'commit mode').choices(MODES));
}

export function addCache(command: Command): Command {
  return command.option('--cache-bytes <bytes>', 'memory for pages, such as 64MiB', byteCount);
}
