/**
 * The part of cli-progress that is used here; the package brings no types.
 */
declare module 'cli-progress' {
  export interface BarOptions {
    format?: string;
    barsize?: number;
    hideCursor?: boolean;
    stream?: NodeJS.WritableStream;
  }
  export interface Preset {
    readonly barCompleteChar: string;
    readonly barIncompleteChar: string;
  }
  export const Presets: { readonly shades_classic: Preset };
  export class SingleBar {
    constructor(options: BarOptions, preset?: Preset);
    start(total: number, startValue: number, payload?: object): void;
    update(value: number, payload?: object): void;
    stop(): void;
  }
}
