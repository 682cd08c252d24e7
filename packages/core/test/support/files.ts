/** Files of a simulated database directory: reading, comparing and damaging them in tests. */
import {
  DATA_FILE_NAME,
  checksum,
  parseSegmentFileName,
  type SimulatedDisk,
  type Vfs,
} from '@manifold-db/storage';
import { SIMULATED_PATH } from './simulator.js';

export const DATA_PATH = `${SIMULATED_PATH}/${DATA_FILE_NAME}`;

export function pathOf(name: string): string {
  return `${SIMULATED_PATH}/${name}`;
}

export function readBytes(vfs: Vfs, path: string): Buffer {
  const file = vfs.open(path, 'read');
  const bytes = Buffer.alloc(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

/** Durably, as damage is. */
export function overwrite(disk: SimulatedDisk, path: string, bytes: Uint8Array, offset = 0): void {
  const file = disk.vfs().open(path, 'read-write');
  file.write([bytes], offset);
  file.sync();
  file.close();
}

export function truncate(disk: SimulatedDisk, path: string, bytes: number): void {
  const file = disk.vfs().open(path, 'read-write');
  file.truncate(bytes);
  file.sync();
  file.close();
}

export function remove(disk: SimulatedDisk, path: string): void {
  disk.vfs().remove(path);
  disk.vfs().syncDirectory(SIMULATED_PATH);
}

/** Names of the log segments, oldest number first. */
export function logFiles(disk: SimulatedDisk): string[] {
  const names = disk.vfs().list(SIMULATED_PATH);
  return names.filter((name) => parseSegmentFileName(name) !== undefined).sort();
}

/** Size and checksum of every file: equal before and after when nothing was rewritten. */
export function fingerprint(disk: SimulatedDisk): string[] {
  const vfs = disk.vfs();
  return vfs.list(SIMULATED_PATH).map((name) => {
    const bytes = readBytes(vfs, pathOf(name));
    return `${name} ${bytes.length} ${checksum(bytes)}`;
  });
}
