/**
 * Shows on stderr how a load goes: a bar on a terminal, a plain line every few seconds in a pipe.
 */
import { Presets, SingleBar } from 'cli-progress';
import type { Context } from '../context.js';
import { group } from '../report.js';

const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 2000;
const MIB = 1024 * 1024;

export interface LoadState {
  readonly records: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  readonly committed: number;
  readonly synced: number;
  readonly applied: number;
}

export interface Progress {
  /** Cheap; draws only when it is time to. */
  update(state: () => LoadState): void;
  /** Draws the last state and leaves the terminal in order. */
  finish(state: () => LoadState): void;
}

interface View {
  readonly intervalMs: number;
  draw(state: LoadState, recordsPerSecond: number): void;
  stop(): void;
}

/** Records, rate and watermarks, the same in both views. */
function describe(state: LoadState, recordsPerSecond: number): string {
  const rate = `${group(state.records)} records, ${group(recordsPerSecond)}/s`;
  return `${rate}, synced ${state.synced}, applied ${state.applied} of ${state.committed}`;
}

function barView(bytesTotal: number | undefined): View {
  const known = bytesTotal !== undefined && bytesTotal > 0;
  const format = known ? '{bar} {percentage}% {text}' : '{mib} MiB {text}';
  const options = { format, barsize: 20, hideCursor: true, stream: process.stderr };
  const bar = new SingleBar(options, Presets.shades_classic);
  const total = known ? bytesTotal : Number.MAX_SAFE_INTEGER;
  bar.start(total, 0, { text: '', mib: 0 });
  return {
    intervalMs: BAR_INTERVAL_MS,
    draw: (state, rate) => {
      const mib = Math.round(state.bytesRead / MIB);
      bar.update(Math.min(state.bytesRead, total), { text: describe(state, rate), mib });
    },
    stop: () => bar.stop(),
  };
}

function lineView(context: Context): View {
  return {
    intervalMs: LINE_INTERVAL_MS,
    draw: (state, rate) => {
      const { bytesRead, bytesTotal } = state;
      const known = bytesTotal !== undefined && bytesTotal > 0;
      const share = known ? `${Math.floor((100 * bytesRead) / bytesTotal)}%, ` : '';
      context.stderr.line(share + describe(state, rate));
      // Not awaited: progress never holds the load up, and a failing stderr shows at the end.
      context.stderr.flush().catch(() => undefined);
    },
    stop: () => undefined,
  };
}

const SILENT: Progress = { update: () => undefined, finish: () => undefined };

export function startProgress(
  context: Context,
  bytesTotal: number | undefined,
  quiet: boolean,
): Progress {
  if (quiet) return SILENT;
  const view = context.stderrIsTerminal ? barView(bytesTotal) : lineView(context);
  const startMs = performance.now();
  // The first state is shown at once: it tells that the load has begun.
  let lastMs = -Infinity;
  const draw = (state: LoadState, nowMs: number): void => {
    lastMs = nowMs;
    view.draw(state, (1000 * state.records) / Math.max(1, nowMs - startMs));
  };
  return {
    update: (state) => {
      const nowMs = performance.now();
      if (nowMs - lastMs >= view.intervalMs) draw(state(), nowMs);
    },
    finish: (state) => {
      draw(state(), performance.now());
      view.stop();
    },
  };
}
