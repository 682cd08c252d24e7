import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../types.js';
import {
  conditionOf,
  consistencyOf,
  durabilityOf,
  putOptionsOf,
  requireReadNames,
  signalOf,
  transactionOptionsOf,
} from './calls.js';

describe('options of calls', () => {
  it('fall back to the durability of the database', () => {
    expect(durabilityOf(undefined, 'async')).toBe('async');
    expect(durabilityOf({}, 'async')).toBe('async');
    expect(durabilityOf({ durability: 'none' }, 'async')).toBe('none');
    expect(() => durabilityOf({ durability: 'never' as never }, 'async')).toThrow(RangeError);
    expect(() => durabilityOf({ sync: true } as never, 'async')).toThrow(/options\.sync is not/);
  });

  it('of a put carry at most one condition', () => {
    expect(putOptionsOf(undefined, 'none')).toEqual({
      durability: 'none',
      condition: { kind: 'none' },
    });
    expect(putOptionsOf({ ifAbsent: true, durability: 'async' }, 'none')).toEqual({
      durability: 'async',
      condition: { kind: 'absent' },
    });
    expect(conditionOf({ ifValue: null })).toEqual({ kind: 'value', value: null });
    expect(conditionOf({ ifAbsent: false, ifValue: 'x' })).toEqual({ kind: 'value', value: 'x' });
    expect(conditionOf({ ifAbsent: false })).toEqual({ kind: 'none' });
    expect(() => conditionOf({ ifAbsent: true, ifValue: 'x' })).toThrow(/exclude each other/);
    expect(() => conditionOf({ ifAbsent: 1 })).toThrow(TypeError);
    for (const ifAbsent of [undefined, false, true]) {
      expect(() => conditionOf({ ifAbsent, ifValue: undefined })).toThrow(/use ifAbsent$/);
    }
    expect(() => conditionOf({ durability: 'none' })).toThrow(/conditions\.durability is not/);
  });

  it('of a transaction bound the retries', () => {
    expect(transactionOptionsOf(undefined, 'immediate')).toEqual({
      durability: 'immediate',
      retries: 10,
    });
    expect(transactionOptionsOf({ retries: 0 }, 'immediate').retries).toBe(0);
    for (const retries of [-1, 1001, 0.5]) {
      expect(() => transactionOptionsOf({ retries }, 'immediate')).toThrow(RangeError);
    }
  });

  it('of a read name one state', () => {
    const snapshot = {} as Snapshot;
    expect(consistencyOf({})).toBe('latest');
    expect(consistencyOf({ snapshot })).toBe('latest');
    expect(consistencyOf({ consistency: 'applied' })).toBe('applied');
    expect(() => consistencyOf({ consistency: 'old' as never })).toThrow(RangeError);
    expect(() => consistencyOf({ snapshot, consistency: 'synced' })).toThrow(TypeError);
    expect(() => requireReadNames({ consistancy: 'synced' })).toThrow(TypeError);
    expect(() => requireReadNames({ snapshot, consistency: undefined })).not.toThrow();
  });

  it('of waiting carry a signal', () => {
    const { signal } = new AbortController();
    expect(signalOf(undefined)).toBeUndefined();
    expect(signalOf({ signal })).toBe(signal);
    expect(() => signalOf({ signal: 'x' })).toThrow(TypeError);
  });
});
