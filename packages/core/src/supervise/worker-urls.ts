/**
 * The one place where `core` names the workers: by the URL of their entry module. Bundlers and
 * Electron can override both.
 */
let wal: URL | undefined;
let apply: URL | undefined;

/**
 * Tells where the entry modules of the workers are, for programs that are bundled into other
 * files. Call it before `open`.
 *
 * @example
 * setWorkerUrls({ wal: new URL('./manifold-wal.js', import.meta.url) });
 */
export function setWorkerUrls(urls: { wal?: URL; apply?: URL }): void {
  wal = urls.wal ?? wal;
  apply = urls.apply ?? apply;
}

export function walWorkerUrl(): URL {
  return wal ?? new URL(import.meta.resolve('@manifold-db/wal-worker/worker'));
}

export function applyWorkerUrl(): URL {
  return apply ?? new URL(import.meta.resolve('@manifold-db/apply-worker/worker'));
}
