/**
 * Usage: what is refused before any database is touched, and in which words.
 */
import { Writable } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { byteCount, wholeNumber } from './arguments.js';
import { OutputClosed } from './failure.js';
import { formatOf } from './input/format.js';
import { Output } from './output.js';
import { runManifold } from './program.js';
import { streamOf } from '../test/helpers/chunks.js';

class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new Memory(), new Memory()];
  const context = {
    stdin: streamOf([]),
    stdout: new Output(out),
    stderr: new Output(err),
    stderrIsTerminal: false,
    interrupted: new AbortController().signal,
  };
  const code = await runManifold(args, context, '1.2.3');
  return { code, out: out.text, err: err.text };
}

describe('manifold', () => {
  it.each([
    [['nonsense'], 'unknown command \'nonsense\'; see "manifold --help"'],
    [['get', 'db'], 'missing required argument \'key\'; see "manifold get --help"'],
    [['get', 'db', 'k', 'extra'], 'too many arguments'],
    [['get', 'db', 'k', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [['get', 'db', 'zz', '--encoding', 'hex'], 'the key "zz" is not hexadecimal'],
    [['load', 'db', 'x.json', '--mode', 'fast'], 'Allowed choices are sequential, async-wal'],
    [['load', 'db', 'x.json', '--durability', 'maybe'], 'Allowed choices are immediate'],
    [['load', 'db', 'x.json', '--batch', '0'], 'Give a whole number from 1 to 1000000.'],
    [['load', 'db', 'x.json', '--in-flight', '1e3'], 'Give a whole number from 1 to 4096.'],
    [['load', 'db', 'x.json', '--cache-bytes', '5 apples'], 'Give a number of bytes'],
    [['load', 'db', 'x.json', '--key', 'a,,b'], 'empty field name'],
    [['load', 'db', '-'], 'stdin has no name that tells its format; add --format'],
    [['load', 'db', 'x.gz'], 'x.gz: no known ending; add --format'],
    [['put', 'db', 'k', 'v', '--if-absent', '--if-value', 'x'], 'exclude each other'],
    [['scan', 'db', '--limit', '-1'], 'Give a whole number from 0'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, out, err } = await run(...args);
    expect(err).toContain(message);
    expect(err.trimEnd()).toMatch(/^error: [^\n]+$/);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('names a missing input file before it makes a database', async () => {
    const { code, err } = await run('load', 'db', 'no-such-file.json');
    expect(err).toBe(
      'error: cannot read no-such-file.json: there is no such file; ' +
        'check the path, or give "-" for stdin\n',
    );
    expect(code).toBe(1);
  });

  it('names an input that is a directory', async () => {
    const { code, err } = await run('load', 'db', '.', '--format', 'lines');
    expect(err).toContain('cannot read .: it is a directory');
    expect(code).toBe(1);
  });

  it('prints help and version on stdout when asked', async () => {
    expect(await run('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
    const help = await run('load', '--help');
    expect(help.code).toBe(0);
    expect(help.out).toContain('--in-flight <n>');
    expect(help.err).toBe('');
  });

  it('prints help on stderr when no command is given', async () => {
    const { code, out, err } = await run();
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: manifold');
  });
});

describe('option values', () => {
  it('are numbers of bytes', () => {
    const texts = ['4096', '64K', '64KiB', '64 kb', '3m', '1G'];
    expect(texts.map(byteCount)).toEqual([4096, 65536, 65536, 65536, 3 * 2 ** 20, 2 ** 30]);
    for (const text of ['', 'K', '-1', '1.5M', '9'.repeat(20)]) {
      expect(() => byteCount(text)).toThrow(InvalidArgumentError);
    }
  });

  it('are whole numbers', () => {
    expect(wholeNumber(0, 5)('5')).toBe(5);
    for (const text of ['', '6', '-1', '1.0', '0x1', ' 1']) {
      expect(() => wholeNumber(0, 5)(text)).toThrow(InvalidArgumentError);
    }
  });

  it('are formats, by name or by ending', () => {
    expect(formatOf('a.JSONL', undefined)).toBe('ndjson');
    expect(formatOf('a.json', undefined)).toBe('json');
    expect(formatOf('a.json', 'lines')).toBe('lines');
  });
});

describe('Output', () => {
  it('tells a closed reader from a failed write', async () => {
    const failing = (code: string): Output => {
      const write = (_chunk: unknown, _encoding: string, done: (error: Error) => void): void => {
        done(Object.assign(new Error(code), { code }));
      };
      return new Output(new Writable({ write }));
    };
    const closed = failing('EPIPE');
    closed.line('x');
    await expect(closed.flush()).rejects.toThrow(OutputClosed);
    expect(() => closed.line('y')).toThrow(OutputClosed);
    const full = failing('ENOSPC');
    full.line('x');
    await expect(full.flush()).rejects.toThrow('ENOSPC');
  });
});
