import { ManifoldError, type Vfs } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openError } from './file-errors.js';
import { syncNamesAbove } from './sync-files.js';

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: something`), { code, syscall: 'open' });
}

describe('what the operating system says at open', () => {
  it.each([
    ['EACCES', 'ERR_MANIFOLD_PERMISSION'],
    ['EPERM', 'ERR_MANIFOLD_PERMISSION'],
    ['EROFS', 'ERR_MANIFOLD_READONLY'],
    ['ENOSPC', 'ERR_MANIFOLD_FULL'],
    ['EDQUOT', 'ERR_MANIFOLD_FULL'],
    ['ENOTDIR', 'ERR_MANIFOLD_IO'],
    ['EMFILE', 'ERR_MANIFOLD_IO'],
  ])('%s is %s, with its cause and path', (code, typed) => {
    const cause = errno(code);
    const error = openError(cause, '/some/db');
    expect(error).toMatchObject({ name: 'ManifoldError', code: typed, cause, path: '/some/db' });
    expect((error as Error).message).toContain('/some/db');
  });

  it('what has a type already, or is no error of a file, goes on as it is', () => {
    const typed = new ManifoldError('ERR_MANIFOLD_LOCKED', 'locked');
    const other = new TypeError('a bug');
    expect(openError(typed, '/some/db')).toBe(typed);
    expect(openError(other, '/some/db')).toBe(other);
  });
});

describe('the names above a new database', () => {
  function synced(failure: (path: string) => Error | undefined): string[] {
    const paths: string[] = [];
    const syncDirectory = (path: string): void => {
      const error = failure(path);
      if (error !== undefined) throw error;
      paths.push(path);
    };
    syncNamesAbove({ syncDirectory } as unknown as Vfs, '/a/b/db');
    return paths;
  }

  it('are synced up to the root', () => {
    expect(synced(() => undefined)).toEqual(['/a/b', '/a', '/']);
  });

  it('are left alone where they are not ours', () => {
    const refusal = (path: string) => (path === '/a' ? errno('EACCES') : undefined);
    expect(synced(refusal)).toEqual(['/a/b', '/']);
  });

  it('that the disk cannot make durable are an error', () => {
    expect(() => synced(() => errno('EIO'))).toThrow('EIO');
    expect(() => synced(() => new Error('no error of a file'))).toThrow('no error of a file');
  });
});
