/**
 * Which files of a database directory are segments of its log. The number in the header is
 * authoritative: a file whose header holds another number than its name was being recycled when the
 * process died. Name and header are both durable before the first block, so such a file is empty,
 * and obsolete; should it hold blocks all the same, the header counts.
 */
import { join } from 'node:path';
import { corrupt } from '../errors.js';
import { isSameId } from '../format/bytes.js';
import {
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  parseSegmentFileName,
  type DecodedSegmentHeader,
  type SegmentHeader,
} from '../format/segment.js';
import type { Vfs } from '../vfs/vfs.js';
import { SegmentReader, WINDOW_BYTES } from './segment-reader.js';
import { findSurvivors, noSurvivors } from './survivors.js';

export interface SegmentFile {
  fileName: string;
  path: string;
  nameNumber: number;
  header: SegmentHeader;
  /** Bytes that are there of those that the header speaks of. */
  bytes: number;
}

/** A file without a usable header: made ready and never used, or damaged. */
export interface UnusableFile {
  fileName: string;
  path: string;
  nameNumber: number;
  state: 'zero' | 'damaged';
  problem: string;
}

export interface SegmentFiles {
  /** By number; from the oldest that recovery may need on. */
  byNumber: Map<number, SegmentFile>;
  /** Older ones, retired ones, and doubles without content. */
  obsolete: SegmentFile[];
  unusable: UnusableFile[];
}

export function listSegmentFiles(
  vfs: Vfs,
  directory: string,
  databaseId: Uint8Array,
  oldestSegment: number,
): SegmentFiles {
  const files: SegmentFiles = { byNumber: new Map(), obsolete: [], unusable: [] };
  for (const fileName of vfs.list(directory)) {
    const nameNumber = parseSegmentFileName(fileName);
    if (nameNumber === undefined) continue;
    const path = join(directory, fileName);
    const { decoded, fileBytes } = readHeader(vfs, path);
    if (decoded.state !== 'valid') {
      const problem = decoded.state === 'zero' ? 'no segment header, only zeros' : decoded.problem;
      files.unusable.push({ fileName, path, nameNumber, state: decoded.state, problem });
      continue;
    }
    const { header } = decoded;
    const bytes = Math.min(fileBytes, header.segmentBytes);
    const file: SegmentFile = { fileName, path, nameNumber, header, bytes };
    if (header.segmentNumber < oldestSegment) {
      files.obsolete.push(file);
      continue;
    }
    if (!isSameId(header.databaseId, databaseId)) {
      throw corrupt(path, 0, 'the log segment belongs to another database');
    }
    if (nameNumber !== header.segmentNumber && !hasBlocks(vfs, file, newWindow([file]))) {
      files.obsolete.push(file);
      continue;
    }
    addSegment(files, file);
  }
  return files;
}

function readHeader(vfs: Vfs, path: string): { decoded: DecodedSegmentHeader; fileBytes: number } {
  const file = vfs.open(path, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = file.read(bytes, 0);
    const decoded = decodeSegmentHeader(bytes.subarray(0, count), path);
    return { decoded, fileBytes: file.size() };
  } finally {
    file.close();
  }
}

/** Of two files with one number one is misnamed, and holds blocks: else it is obsolete. */
function addSegment(files: SegmentFiles, file: SegmentFile): void {
  const number = file.header.segmentNumber;
  const other = files.byNumber.get(number);
  if (other !== undefined) {
    const [named, misnamed] = file.nameNumber === number ? [file, other] : [other, file];
    throw corrupt(misnamed.path, 0, `${named.fileName} holds segment ${number} as well`);
  }
  files.byNumber.set(number, file);
}

/**
 * A window that suits all these segments. What the files hold counts, not what their headers say:
 * a damaged one asks for no memory.
 */
export function newWindow(segments: Iterable<SegmentFile>): Buffer {
  let windowBytes = SEGMENT_HEADER_BYTES;
  for (const { bytes } of segments) windowBytes = Math.max(windowBytes, bytes);
  return Buffer.allocUnsafeSlow(Math.min(windowBytes, WINDOW_BYTES));
}

/** Whether any block header in the file is intact. */
export function hasBlocks(vfs: Vfs, segment: SegmentFile, window: Buffer): boolean {
  const file = vfs.open(segment.path, 'read');
  try {
    const found = noSurvivors();
    const reader = new SegmentReader(file, segment.header.salt, segment.bytes, window);
    findSurvivors(reader, SEGMENT_DATA_OFFSET, found);
    return found.blockCount > 0;
  } finally {
    file.close();
  }
}
