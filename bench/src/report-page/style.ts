/**
 * The looks of the page: one palette for light and one for dark, no script, no file beside it.
 * Stages have the four distinct hues; everything else is grey and one accent.
 */

const LIGHT = `
  --page: #fbfbfa; --panel: #ffffff; --ink: #1b1f24; --soft: #59616b; --line: #dfe2e6;
  --track: #eff1f3; --accent: #1c4fae; --accent-mid: #3f72cb; --accent-low: #6484cb;
  --peer: #7b848f; --behind: #b4530a; --whisker: #1b1f24;
  --build: #2563c9; --append: #0b857a; --sync: #ab4708; --write: #cc6f1c; --apply: #7a3fc4;`;

const DARK = `
  --page: #14171b; --panel: #1b1f24; --ink: #e8eaed; --soft: #a2abb5; --line: #343a42;
  --track: #272c33; --accent: #8ab6ff; --accent-mid: #6494e3; --accent-low: #527bbd;
  --peer: #78828d; --behind: #f0a35c; --whisker: #f4f5f7;
  --build: #6ea3ff; --append: #3cc7b4; --sync: #f2924a; --write: #b97238; --apply: #b98cf5;`;

const TEXT = `
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 74rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.015em; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em; }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .6rem; }
h4 { font-size: .9rem; margin: 0 0 .6rem; font-weight: 600; }
p { margin: .35rem 0; max-width: 46rem; }
small, .soft, figcaption { color: var(--soft); font-size: .84rem; }
code { font: .84em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
a { color: var(--accent); }
nav { margin: 1.2rem 0 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .92rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.4rem 1.5rem 1.5rem; margin-top: 1.5rem; container-type: inline-size; }
figure { margin: 1rem 0 0; }
figcaption { margin-top: .5rem; max-width: 52rem; }
.command { margin-top: .9rem; }
.missing li { margin: .25rem 0; }
svg { display: block; width: 100%; overflow: visible; }
svg svg { width: 1px; } svg svg.plot { width: 100%; }
svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  fill: var(--soft); font-variant-numeric: tabular-nums; }`;

const CHARTS = `
.panels { display: grid; gap: 1.5rem 2.5rem; grid-template-columns: 1fr 1fr; }
.row { display: grid; grid-template-columns: 9rem minmax(0, 1fr) 9.5rem; gap: 0 .9rem;
  align-items: center; padding: .16rem 0; }
.wide .row { grid-template-columns: 19rem minmax(0, 1fr) 11.5rem; }
.label, .value { font-size: .86rem; line-height: 1.3; min-width: 0; overflow-wrap: anywhere; }
.label small, .value small { display: block; font-size: .76rem; line-height: 1.3; }
.value { font-variant-numeric: tabular-nums; font-weight: 600; }
.value small { font-weight: 400; }
.folded { margin-top: 1rem; }
.comparison { margin: 1rem 0 .2rem; }
.panels .row { grid-template-columns: 6.6rem minmax(0, 1fr) 6.8rem; }
.track { fill: var(--track); }
.grid { stroke: var(--line); stroke-width: 1; }
.base { stroke: var(--soft); stroke-width: 1; }
.bar { fill: var(--peer); }
.rung-0 { fill: var(--accent-low); } .rung-1 { fill: var(--accent-mid); }
.rung-2 { fill: var(--accent); }
.whisker { stroke: var(--whisker); stroke-width: 1.5; }
.ideal { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 3 2; }
.ahead { fill: var(--accent); } .behind { fill: var(--behind); }
.span { stroke: var(--peer); stroke-width: 2; }
.ours .span { stroke: var(--accent-mid); }
.dot { fill: var(--panel); stroke: var(--peer); stroke-width: 2; }
.ours .dot { stroke: var(--accent); }
.dot-p50 { fill: var(--peer); } .ours .dot-p50 { fill: var(--accent); }
.rate-line { fill: none; stroke: var(--peer); stroke-width: 1.8; }
.rate-line.ours { stroke: var(--accent); stroke-width: 2.4; }
.dash-1 { stroke-dasharray: 7 3; } .dash-2 { stroke-dasharray: 2 3; }
.dash-3 { stroke-dasharray: 9 3 2 3; }`;

const TIMELINE = `
.timeline { display: grid; grid-template-columns: 6.6rem minmax(0, 1fr); }
.lanes { font-size: .84rem; line-height: 1.2; position: relative; }
.lanes div { position: absolute; left: 0; right: .6rem; transform: translateY(-50%); }
.lanes small { display: block; font-size: .74rem; }
.scroller { overflow-x: auto; overscroll-behavior-x: contain; padding-bottom: .35rem; }
.scroller:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroller svg { min-width: 62rem; overflow: hidden; }
.lane { fill: var(--track); }
.stage-BuildChanges { fill: var(--build); } .stage-AppendWal { fill: var(--append); }
.stage-WaitForSync { fill: var(--sync); } .stage-WaitForSync.part-write { fill: var(--write); }
.stage-ApplyChanges { fill: var(--apply); stroke: var(--apply); stroke-width: 1.5; }
.stage.outside { opacity: .32; }
.flow { stroke: var(--soft); stroke-width: 1; opacity: .38; }
.flow.followed { stroke: var(--ink); stroke-width: 1.6; opacity: 1; }
svg text.on-bar { fill: var(--panel); font-size: 10.5px; text-anchor: middle; font-weight: 600; }
svg text.commit { text-anchor: middle; }
svg text.end { text-anchor: end; } svg text.middle { text-anchor: middle; }
.legend { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .5rem 1.2rem;
  margin: 1rem 0 0; padding: 0; list-style: none; font-size: .86rem; line-height: 1.35; }
.legend b { display: block; }
.legend li { display: grid; grid-template-columns: 1.5rem 1fr; }
.legend svg { width: 1rem; height: 1.3rem; }
figcaption .hint { display: none; }
.rates { display: grid; grid-template-columns: 3.6rem minmax(0, 1fr); }
.rates .scale text { text-anchor: end; }
.key { display: inline-flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .3rem 0 .5rem; }
.key span { display: inline-flex; align-items: center; gap: .4rem; }
.key svg { width: 1.6rem; flex: none; }`;

const TABLES = `
details { margin-top: .8rem; } summary { cursor: pointer; font-size: .92rem; }
.sheet { overflow-x: auto; margin-top: .5rem; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; white-space: nowrap;
  border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; }
td.long { white-space: normal; min-width: 22rem; }`;

/** A container, not the screen, decides: the same page fits a phone and a desk. */
const NARROW = `
@container (max-width: 46rem) {
  .panels { grid-template-columns: 1fr; }
  .legend { grid-template-columns: 1fr 1fr; }
  .wide .row { grid-template-columns: minmax(0, 1fr) auto; row-gap: .15rem;
    padding: .4rem 0; }
  .wide .row .chart { grid-column: 1 / -1; grid-row: 2; }
  .wide .row .value { text-align: right; }
  .wide .axis .label, .wide .axis .value { display: none; }
}
@container (max-width: 26rem) {
  .panels .row { grid-template-columns: minmax(0, 1fr) auto; row-gap: .1rem; padding: .35rem 0; }
  .panels .row .chart { grid-column: 1 / -1; grid-row: 2; }
  .panels .row .value { text-align: right; }
  .panels .row .value small, .panels .row .label small { display: inline; margin-left: .4rem; }
  .legend { grid-template-columns: 1fr; }
  .timeline { grid-template-columns: 4.3rem minmax(0, 1fr); }
  .lanes { font-size: .74rem; }
  figcaption .hint { display: inline; }
}
@media (max-width: 40rem) {
  main { padding: 1.3rem .8rem 3rem; }
  h1 { font-size: 1.5rem; }
  section { padding: 1.1rem 1rem 1.2rem; }
}`;

export const STYLE = `:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
${TEXT}${CHARTS}${TIMELINE}${TABLES}${NARROW}`;
