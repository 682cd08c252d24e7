/** From figures to places on an axis, in percent: the charts have no width of their own. */

const DECADE_STEPS = [1, 2, 5, 10];
/** From so many decades on, the decades alone are marked. */
const DECADES_WHOLE = 2.5;
const ROUNDING = 1e3;
/** Room beside the outermost figures of a logarithmic axis. */
const LOG_MARGIN = 1.15;

export interface Scale {
  /** Percent of the axis, from its start; clipped to it. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

export function percent(value: number): string {
  return `${Math.round(value * ROUNDING) / ROUNDING}%`;
}

function clipped(share: number): number {
  return Math.min(1, Math.max(0, share)) * 100;
}

/** The smallest of 1, 2, 5, 10... that needs no more than so many steps up to `maximum`. */
function stepFor(maximum: number, stepsMax: number): number {
  const decade = 10 ** Math.floor(Math.log10(maximum / stepsMax));
  return decade * DECADE_STEPS.find((step) => maximum / (step * decade) <= stepsMax)!;
}

/** From 0 to `maximum`. */
export function linearScale(maximum: number, stepsMax = 6): Scale {
  const end = maximum > 0 ? maximum : 1;
  const step = stepFor(end, stepsMax);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  return { at: (value) => clipped(value / end), ticks };
}

/** Over all the figures, which are positive; `ticks` are those of the candidates that it covers. */
export function logScale(figures: readonly number[], candidates?: readonly number[]): Scale {
  const low = Math.log(Math.min(...figures) / LOG_MARGIN);
  const high = Math.log(Math.max(...figures) * LOG_MARGIN);
  const isCovered = (value: number) => Math.log(value) >= low && Math.log(value) <= high;
  return {
    at: (value) => clipped((Math.log(value) - low) / (high - low)),
    ticks: (candidates ?? decades(low, high)).filter(isCovered),
  };
}

/** Decades, and 2 and 5 between them where there are few. */
function decades(low: number, high: number): number[] {
  const first = Math.floor(low / Math.LN10);
  const count = Math.ceil(high / Math.LN10) - first + 1;
  const between = high - low < DECADES_WHOLE * Math.LN10 ? [1, 2, 5] : [1];
  return Array.from({ length: count }, (_, i) => 10 ** (first + i)).flatMap((decade) => {
    return between.map((step) => step * decade);
  });
}
