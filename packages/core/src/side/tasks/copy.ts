/**
 * Tasks: the steps of a backup. The order is that of a new database
 * (`storage/checkpoint/create.ts`): the data file is made whole under its temporary name, then the
 * log gets its segments, and the rename of the data file, last, makes the database. So a half
 * backup is never taken for one.
 */
import { dirname, join } from 'node:path';
import {
  DATA_FILE_NAME,
  DATA_FILE_TEMPORARY_NAME,
  FIRST_SEGMENT_NUMBER,
  MIB,
  SegmentPreparation,
  checkPage,
  corrupt,
  encodeMeta,
  errnoOf,
  isLogFileName,
  metaSlot,
  type Meta,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';
import { requireEmptyTarget, targetError } from './copy-target.js';
import { copySegment } from './copy-segment.js';
import { readSource } from './read-source.js';

/** Pages in use of a stretch of the data file. */
export interface CopyInput {
  readonly from: string;
  readonly target: string;
  readonly pageBytes: number;
  /** First page; bit p & 31 of word p >>> 5 speaks of page `first` + p. */
  readonly first: number;
  readonly words: Int32Array;
}

export interface PrepareInput {
  readonly target: string;
  readonly meta: Meta;
  /** Pages that are in memory already, and their bytes one after another. */
  readonly pages: Int32Array;
  readonly bytes: Uint8Array;
}

export interface FinishInput {
  readonly target: string;
  /** Of the copy, but for segment number and generation. */
  readonly meta: Meta;
  readonly walSegmentBytes: number;
  /** Segments that the copy needs as well; empty: it begins with a new log. */
  readonly segments: readonly { readonly fileName: string; readonly number: number }[];
  readonly sourceDirectory: string;
}

export interface DiscardInput {
  readonly target: string;
}

/** Makes the directory and the data file, with the pages given. Returns the bytes written. */
export function prepareCopy(vfs: Vfs, input: PrepareInput): number {
  const { target, meta, pages, bytes } = input;
  requireEmptyTarget(vfs, target);
  makeDirectories(vfs, target);
  const path = join(target, DATA_FILE_TEMPORARY_NAME);
  const file = createExclusively(vfs, path, target);
  try {
    // Free pages stay holes.
    file.truncate(meta.pageCount * meta.pageBytes);
    pages.forEach((page, index) => {
      const at = index * meta.pageBytes;
      file.write([bytes.subarray(at, at + meta.pageBytes)], page * meta.pageBytes);
    });
    return bytes.length;
  } catch (error) {
    vfs.remove(path);
    throw error;
  } finally {
    file.close();
  }
}

/** With their names durable. */
function makeDirectories(vfs: Vfs, target: string): void {
  const missing: string[] = [];
  for (let path = target; !vfs.exists(path); path = dirname(path)) missing.push(path);
  if (missing.length === 0) return;
  vfs.makeDirectory(target);
  for (const path of missing) vfs.syncDirectory(dirname(path));
}

function createExclusively(vfs: Vfs, path: string, target: string): VfsFile {
  try {
    return vfs.open(path, 'create-exclusive');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw targetError(target, 'another backup writes there');
    throw error;
  }
}

/** Copies the pages in use of one stretch and makes them durable. Returns the bytes written. */
export function copyPages(vfs: Vfs, input: CopyInput, poll: () => void): number {
  const from = vfs.open(input.from, 'read');
  try {
    const to = vfs.open(join(input.target, DATA_FILE_TEMPORARY_NAME), 'read-write');
    try {
      const written = copyStretch(input, from, to, poll);
      // Piece by piece, so that the syncs of the log beside it stay fast.
      if (written > 0) to.dataSync();
      return written;
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
}

function copyStretch(input: CopyInput, from: VfsFile, to: VfsFile, poll: () => void): number {
  const { pageBytes, first, words } = input;
  const windowPages = Math.max(1, Math.floor(MIB / pageBytes));
  const window = new Uint8Array(windowPages * pageBytes);
  const isUsed = (index: number): boolean => (words[index >>> 5]! & (1 << (index & 31))) !== 0;
  const pageCount = words.length * 32;
  let written = 0;
  for (let start = 0; start < pageCount; start += windowPages) {
    poll();
    let begin = start;
    let end = Math.min(start + windowPages, pageCount);
    while (begin < end && !isUsed(begin)) begin++;
    while (end > begin && !isUsed(end - 1)) end--;
    if (begin === end) continue;
    const bytes = window.subarray(0, (end - begin) * pageBytes);
    const count = readSource(from, input.from, bytes, (first + begin) * pageBytes);
    const pages = bytes.subarray(0, count);
    for (let run = begin; run < end;) {
      let runEnd = run;
      for (; runEnd < end && isUsed(runEnd); runEnd++) {
        checkCopied(input, pages, first + runEnd, (runEnd - begin) * pageBytes);
      }
      if (runEnd > run) {
        const part = bytes.subarray((run - begin) * pageBytes, (runEnd - begin) * pageBytes);
        to.write([part], (first + run) * pageBytes);
        written += part.length;
      }
      run = runEnd + 1;
    }
  }
  return written;
}

/** Damage is never copied. */
function checkCopied(input: CopyInput, pages: Uint8Array, page: number, at: number): void {
  const { pageBytes } = input;
  const bytes = pages.subarray(at, at + pageBytes);
  const problem =
    bytes.length < pageBytes
      ? `page ${page}: lies behind the end of the file`
      : checkPage(bytes, page, undefined);
  if (problem !== undefined) throw corrupt(input.from, page * pageBytes, problem);
}

/** Makes the copied pages a database. Returns the bytes written. */
export function finishCopy(vfs: Vfs, input: FinishInput, poll: () => void): number {
  const { target, meta, segments } = input;
  const temporary = join(target, DATA_FILE_TEMPORARY_NAME);
  let written = writeMetas(vfs, temporary, input);
  vfs.syncDirectory(target);
  if (segments.length === 0) {
    const { walSegmentBytes } = input;
    const spec = { directory: target, segmentBytes: walSegmentBytes, databaseId: meta.databaseId };
    const preparation = new SegmentPreparation(vfs, spec, FIRST_SEGMENT_NUMBER);
    try {
      while (!preparation.step()) poll();
    } finally {
      preparation.close();
    }
    written += walSegmentBytes;
  } else {
    const { sourceDirectory } = input;
    for (const { fileName, number } of segments) {
      const from = join(sourceDirectory, fileName);
      written += copySegment(vfs, { from, target, number, databaseId: meta.databaseId }, poll);
    }
    vfs.syncDirectory(target);
  }
  vfs.rename(temporary, join(target, DATA_FILE_NAME));
  vfs.syncDirectory(target);
  return written;
}

/** Both metas say the same, so that either alone would do. */
function writeMetas(vfs: Vfs, path: string, { meta, segments }: FinishInput): number {
  const walSegmentNumber = segments.length === 0 ? FIRST_SEGMENT_NUMBER : meta.walSegmentNumber;
  const file = vfs.open(path, 'read-write');
  try {
    let written = 0;
    for (const metaGeneration of [meta.metaGeneration, meta.metaGeneration + 1]) {
      const page = encodeMeta({ ...meta, walSegmentNumber, metaGeneration });
      file.write([page], metaSlot(metaGeneration) * meta.pageBytes);
      written += page.length;
    }
    file.sync();
    return written;
  } finally {
    file.close();
  }
}

/**
 * Removes what a failed backup wrote; the directory, now empty, stays. The data file gets its
 * temporary name back first: so nothing that a crash leaves is taken for a damaged database.
 */
export function discardCopy(vfs: Vfs, { target }: DiscardInput): void {
  const temporary = join(target, DATA_FILE_TEMPORARY_NAME);
  const names = vfs.list(target);
  if (names.includes(DATA_FILE_NAME)) {
    vfs.rename(join(target, DATA_FILE_NAME), temporary);
    vfs.syncDirectory(target);
  }
  for (const name of names) {
    if (isLogFileName(name)) vfs.remove(join(target, name));
  }
  vfs.syncDirectory(target);
  vfs.remove(temporary);
}
