/**
 * The files of a brand-new database. Runs on the opening thread, which holds the lock.
 *
 * Order, and why: the data file is made whole under a temporary name; then the first log segment
 * gets its name; the rename of the data file comes last and makes the database. After a crash
 * anywhere between, there is no data file but its temporary one, which tells an unfinished creation
 * from a database that lost its data file. A backup keeps to the same order, so the temporary file
 * may also stand beside the segments of another database.
 */
import { join } from 'node:path';
import { ManifoldError, corrupt } from '../errors.js';
import { encodeFreeMapDirectory, encodeFreeMapPage } from '../format/free-map.js';
import { META_PAGE_COUNT, encodeMeta, metaSlot, type Meta } from '../format/meta.js';
import { sealPage } from '../format/page-header.js';
import { FIRST_SEGMENT_NUMBER, parseSegmentFileName } from '../format/segment.js';
import { NO_PAGE, NO_SEQUENCE } from '../ids.js';
import { createSegment } from '../log-files/segment-preparation.js';
import type { Vfs } from '../vfs/vfs.js';

export const DATA_FILE_NAME = 'data.manifold';
export const DATA_FILE_TEMPORARY_NAME = 'data.manifold.tmp';

const FREE_MAP_PAGE = META_PAGE_COUNT;
const DIRECTORY_PAGE = FREE_MAP_PAGE + 1;
const PAGES_AT_CREATION = DIRECTORY_PAGE + 1;
const FREE_MAP_BIRTH = 1;
const DIRECTORY_BIRTH = 2;
const FIRST_BIRTH = 3;
export const FIRST_COLUMN_FAMILY_ID = 1;

export interface NewDatabase {
  readonly pageBytes: number;
  readonly walSegmentBytes: number;
  /** 16 random bytes. */
  readonly databaseId: Uint8Array;
  readonly createdAtMs: number;
}

/**
 * `absent`: no database, at most what an unfinished creation or backup left. A log without its data
 * file is ERR_MANIFOLD_CORRUPT.
 */
export function databaseState(vfs: Vfs, directory: string): 'absent' | 'present' {
  if (!vfs.exists(directory)) return 'absent';
  const names = vfs.list(directory);
  if (names.includes(DATA_FILE_NAME)) return 'present';
  const isUnfinished = names.includes(DATA_FILE_TEMPORARY_NAME);
  const log = names.find((name) => parseSegmentFileName(name) !== undefined);
  if (log !== undefined && !isUnfinished) {
    const path = join(directory, DATA_FILE_NAME);
    throw corrupt(path, 0, `the data file is missing, but its log is there (${log})`);
  }
  return 'absent';
}

/**
 * The directory exists and holds no database. Errors of the file system pass through; a second
 * attempt starts anew.
 */
export function createDatabaseFiles(vfs: Vfs, directory: string, options: NewDatabase): Meta {
  refuseForeignLog(vfs, directory);
  const temporary = join(directory, DATA_FILE_TEMPORARY_NAME);
  const meta = writeDataFile(vfs, temporary, options);
  vfs.syncDirectory(directory);
  createSegment(
    vfs,
    { directory, segmentBytes: options.walSegmentBytes, databaseId: options.databaseId },
    FIRST_SEGMENT_NUMBER,
  );
  vfs.rename(temporary, join(directory, DATA_FILE_NAME));
  vfs.syncDirectory(directory);
  return meta;
}

/**
 * A creation leaves no segment but the first, which a second attempt replaces. Others were copied
 * by a backup that did not finish: recovery would take them for a part of the new log. They are not
 * ours to remove.
 */
function refuseForeignLog(vfs: Vfs, directory: string): void {
  const foreign = vfs.list(directory).find((name) => {
    const number = parseSegmentFileName(name);
    return number !== undefined && number !== FIRST_SEGMENT_NUMBER;
  });
  if (foreign === undefined) return;
  throw new ManifoldError(
    'ERR_MANIFOLD_NOT_FOUND',
    `${directory}: there is no database, only what an unfinished backup left (${foreign}); ` +
      'empty the directory, or name another one',
    { path: join(directory, foreign) },
  );
}

function writeDataFile(vfs: Vfs, path: string, options: NewDatabase): Meta {
  const { pageBytes } = options;
  const metas = [0, 1].map((generation) => firstMeta(options, generation));
  const file = vfs.open(path, 'create');
  try {
    file.truncate(0);
    for (const meta of metas) {
      file.write([encodeMeta(meta)], metaSlot(meta.metaGeneration) * pageBytes);
    }
    const page = new Uint8Array(pageBytes);
    const bits = new Uint8Array([2 ** PAGES_AT_CREATION - 1]);
    encodeFreeMapPage(page, FREE_MAP_BIRTH, 0, bits);
    sealPage(page, FREE_MAP_PAGE);
    file.write([page], FREE_MAP_PAGE * pageBytes);
    encodeFreeMapDirectory(page, DIRECTORY_BIRTH, {
      next: { page: NO_PAGE, birth: 0 },
      chunks: [{ page: FREE_MAP_PAGE, birth: FREE_MAP_BIRTH }],
    });
    sealPage(page, DIRECTORY_PAGE);
    file.write([page], DIRECTORY_PAGE * pageBytes);
    file.sync();
  } finally {
    file.close();
  }
  return metas[metas.length - 1]!;
}

function firstMeta(options: NewDatabase, metaGeneration: number): Meta {
  return {
    pageBytes: options.pageBytes,
    databaseId: options.databaseId,
    metaGeneration,
    sequence: NO_SEQUENCE,
    birthCounter: FIRST_BIRTH,
    catalogPage: NO_PAGE,
    catalogBirth: 0,
    catalogCount: 0,
    pageCount: PAGES_AT_CREATION,
    freeMapPage: DIRECTORY_PAGE,
    freeMapBirth: DIRECTORY_BIRTH,
    nextColumnFamilyId: FIRST_COLUMN_FAMILY_ID,
    walSegmentNumber: FIRST_SEGMENT_NUMBER,
    createdAtMs: options.createdAtMs,
  };
}
