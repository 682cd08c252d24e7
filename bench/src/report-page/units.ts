/** Figures as people read them: three digits and a unit. */

const DIGITS = 3;
const THOUSAND = 1e3;
const PREFIXES = ['', ' k', ' M', ' G'];
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const BYTE_STEP = 1024;
const TIME_UNITS = [
  ['µs', THOUSAND],
  ['ms', THOUSAND],
  ['s', Infinity],
] as const;

function digits(value: number): string {
  return Number(value.toPrecision(DIGITS)).toLocaleString('en-US');
}

export function formatCount(value: number): string {
  let scaled = value;
  let prefix = 0;
  while (Math.abs(scaled) >= THOUSAND && prefix < PREFIXES.length - 1) {
    scaled /= THOUSAND;
    prefix++;
  }
  return `${digits(scaled)}${PREFIXES[prefix]}`;
}

export function formatWhole(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function formatUs(valueUs: number): string {
  let scaled = valueUs;
  for (const [unit, next] of TIME_UNITS) {
    if (Math.abs(scaled) < next) return `${digits(scaled)} ${unit}`;
    scaled /= next;
  }
  return `${digits(scaled)} s`;
}

export function formatBytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= BYTE_STEP && unit < BYTE_UNITS.length - 1) {
    scaled /= BYTE_STEP;
    unit++;
  }
  return `${digits(scaled)} ${BYTE_UNITS[unit]}`;
}

/** All digits, so that ratios below one another compare at a glance. */
export function formatRatio(value: number): string {
  return Math.abs(value) < THOUSAND ? `${value.toPrecision(DIGITS)}×` : `${formatCount(value)}×`;
}

export function formatShare(value: number): string {
  return `${Math.round(value * 100)} %`;
}
