import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { UsageError, parseArguments } from '../src/arguments.js';

describe('the command line', () => {
  it('fills in what is not said', () => {
    expect(parseArguments(['ladder'])).toEqual({
      suite: 'ladder',
      json: false,
      quick: false,
      rounds: undefined,
      count: undefined,
      batchOps: undefined,
      durationMs: undefined,
      addedSyncLatencyUs: undefined,
      modes: undefined,
      engines: undefined,
      only: undefined,
      directory: tmpdir(),
      openOptions: {},
      profileDirectory: undefined,
    });
  });

  it('reads lists, numbers and objects', () => {
    const lists = ['--batch', '1000,10', '--added', '0,500', '--mode', 'pipelined,async-wal'];
    const more = [
      '--engine',
      'lmdb,rocksdb',
      '--only',
      'burst,random',
      '--duration',
      '20',
      '--rounds',
      '5',
      '--open',
      '{"cacheBytes":1048576}',
      '--json',
    ];
    expect(parseArguments(['ladder', ...lists, ...more])).toMatchObject({
      batchOps: [1000, 10],
      addedSyncLatencyUs: [0, 500],
      modes: ['pipelined', 'async-wal'],
      engines: ['lmdb', 'rocksdb'],
      only: ['burst', 'random'],
      durationMs: 20,
      rounds: 5,
      openOptions: { cacheBytes: 1048576 },
      json: true,
    });
  });

  it('gives help to whoever asks, even without a suite', () => {
    expect(parseArguments(['--help'])).toBeUndefined();
  });

  it.each([
    [[], 'name a suite'],
    [['everything'], "not 'everything'"],
    [['read', 'write'], 'one suite at a time'],
    [['ladder', '--rounds', '0'], '--rounds takes whole numbers of at least 1'],
    [['ladder', '--batch', '10,x'], "--batch takes whole numbers of at least 1, not 'x'"],
    [['ladder', '--batch', ''], '--batch'],
    [['ladder', '--added', '1.5'], '--added'],
    [['ladder', '--mode', 'fast'], '--mode is one of sequential, async-wal, pipelined, buffered'],
    [['seed', '--engine', 'sqlite'], '--engine is one of manifold, lmdb'],
    [['commits', '--duration', '0'], '--duration takes whole numbers of at least 1'],
    [['ladder', '--open', '[1]'], '--open takes a JSON object'],
    [['ladder', '--open', '{'], '--open takes a JSON object'],
    [['ladder', '--fast'], "'--fast'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(message);
  });
});
