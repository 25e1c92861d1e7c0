import { markup } from './markup.js';

/** The style of all pages. Colours hold a contrast of 4.5 to 1 on their ground, light and dark. */
export const STYLE = markup`
:root {
  --ground: #fbfbfa;
  --card: #fff;
  --text: #1d2126;
  --soft: #59626d;
  --edge: #dcdfe3;
  --link: #0b57b0;
  --good: #1a6e36;
  --bad: #b3202c;
  --warn: #855200;
  --calm: #475466;
  --bar: #b9cbe6;
  --part: #3f6fb5;
  --bad-ground: #fdeeee;
  --warn-ground: #fdf4e3;
  --good-ground: #edf7ef;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b;
    --card: #1c2026;
    --text: #e6e8eb;
    --soft: #a2abb6;
    --edge: #343b44;
    --link: #8ab8f5;
    --good: #6fce8b;
    --bad: #ff8f8f;
    --warn: #edb458;
    --calm: #b3bdca;
    --bar: #36506f;
    --part: #7fb0f0;
    --bad-ground: #3a1f22;
    --warn-ground: #352a17;
    --good-ground: #1b3122;
  }
}
* {
  box-sizing: border-box;
}
html {
  -webkit-text-size-adjust: 100%;
}
body {
  margin: 0 auto;
  padding: 1.25rem 1rem 3rem;
  max-width: 72rem;
  background: var(--ground);
  color: var(--text);
  font:
    16px/1.5 system-ui,
    -apple-system,
    'DejaVu Sans',
    sans-serif;
  overflow-wrap: anywhere;
}
a {
  color: var(--link);
  text-underline-offset: 0.15em;
}
a:focus-visible,
summary:focus-visible,
.log:focus-visible {
  outline: 3px solid var(--link);
  outline-offset: 2px;
}
nav {
  font-size: 0.9rem;
  margin-bottom: 1rem;
}
h1 {
  font-size: 1.6rem;
  line-height: 1.25;
  margin: 0 0 0.25rem;
  text-wrap: balance;
}
h2 {
  font-size: 1.15rem;
  line-height: 1.3;
  margin: 2.25rem 0 0.6rem;
}
h3 {
  font-size: 1rem;
  margin: 1.25rem 0 0.4rem;
}
p {
  margin: 0.4rem 0;
}
code,
pre {
  font:
    0.86em/1.5 ui-monospace,
    SFMono-Regular,
    Menlo,
    Consolas,
    'DejaVu Sans Mono',
    monospace;
}
code,
bdi,
td,
th {
  unicode-bidi: isolate;
}
.log {
  display: flex;
  /* Begins at its end, where the error is. */
  flex-direction: column-reverse;
  margin-top: 0.6rem;
  max-height: 26rem;
  overflow: auto;
  background: var(--ground);
  border: 1px solid var(--edge);
  border-radius: 6px;
}
pre {
  margin: 0;
  padding: 0.6rem 0.75rem;
  white-space: pre-wrap;
}
.soft {
  color: var(--soft);
}
.small {
  font-size: 0.86rem;
}
.good {
  color: var(--good);
}
.bad {
  color: var(--bad);
}
.warn {
  color: var(--warn);
}
.calm {
  color: var(--calm);
}
.aloud {
  position: absolute;
  width: 1px;
  height: 1px;
  margin: -1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.verdict {
  padding: 1rem 1.1rem;
  background: var(--card);
  border: 1px solid var(--edge);
  border-left: 6px solid var(--calm);
  border-radius: 8px;
}
.verdict.is-good {
  border-left-color: var(--good);
}
.verdict.is-bad {
  border-left-color: var(--bad);
}
.verdict.is-warn {
  border-left-color: var(--warn);
}
.note {
  margin: 0.6rem 0 0;
  padding: 0.5rem 0.75rem;
  border-radius: 6px;
  background: var(--warn-ground);
}
.note.is-bad {
  background: var(--bad-ground);
}
.tiles {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  gap: 0.6rem;
  margin: 0.8rem 0 0;
  padding: 0;
  list-style: none;
}
.tiles li {
  margin: 0;
  padding: 0.6rem 0.8rem;
  background: var(--card);
  border: 1px solid var(--edge);
  border-radius: 8px;
  font-size: 0.86rem;
  color: var(--soft);
}
.tiles strong {
  display: block;
  font-size: 1.35rem;
  line-height: 1.3;
  font-weight: 600;
  color: var(--text);
  font-variant-numeric: tabular-nums;
}
.tiles strong.bad {
  color: var(--bad);
}
.tiles strong.warn {
  color: var(--warn);
}
table {
  position: relative;
  width: 100%;
  border-collapse: collapse;
  background: var(--card);
  border: 1px solid var(--edge);
  border-radius: 8px;
  font-size: 0.92rem;
}
th,
td {
  padding: 0.42rem 0.6rem;
  text-align: left;
  vertical-align: top;
  font-weight: 400;
  border-top: 1px solid var(--edge);
}
thead th {
  color: var(--soft);
  font-size: 0.82rem;
  border-top: 0;
}
tbody th {
  min-width: 16rem;
  font-weight: 600;
}
thead th,
td {
  overflow-wrap: break-word;
}
td.text,
td code,
.below {
  overflow-wrap: anywhere;
}
.text {
  min-width: 8rem;
}
.sign {
  width: 1.9rem;
  padding-right: 0;
  text-align: center;
  font-weight: 700;
}
.number {
  text-align: right;
  white-space: nowrap;
  font-variant-numeric: tabular-nums;
}
.chart {
  width: 22%;
  vertical-align: middle;
}
.below {
  display: block;
  font-weight: 400;
  font-size: 0.86rem;
  color: var(--soft);
}
.below.narrow {
  display: none;
}
.below.bad {
  color: var(--bad);
}
.below.warn {
  color: var(--warn);
}
dl {
  margin: 0.5rem 0 0;
  font-size: 0.92rem;
}
dl div {
  display: flex;
  gap: 0.3rem 1rem;
  padding: 0.15rem 0;
}
dt {
  flex: 0 0 8rem;
  color: var(--soft);
}
dd {
  margin: 0;
  min-width: 0;
  flex: 1;
}
ul {
  margin: 0.4rem 0;
  padding-left: 1.2rem;
}
li {
  margin: 0.25rem 0;
}
.plain,
.contents {
  padding: 0;
  list-style: none;
}
.contents {
  display: flex;
  flex-wrap: wrap;
  gap: 0.2rem 1rem;
  margin: 1rem 0 0;
}
.contents li {
  margin: 0;
}
details {
  margin: 0.5rem 0;
  padding: 0.5rem 0.8rem;
  background: var(--card);
  border: 1px solid var(--edge);
  border-radius: 8px;
}
summary {
  cursor: pointer;
}
details > table,
details > .log {
  margin-top: 0.6rem;
}
details table {
  border-width: 1px 0 0;
  border-radius: 0;
}
svg.bar {
  display: block;
  width: 100%;
  height: 0.6rem;
  margin-top: 0.35rem;
}
.bar-whole {
  fill: var(--bar);
}
.bar-part {
  fill: var(--part);
}
svg.line {
  display: block;
  width: 100%;
  min-width: 4rem;
  height: 1.7rem;
  fill: none;
  stroke: var(--part);
}
svg.line path {
  stroke-width: 1.6;
  vector-effect: non-scaling-stroke;
  stroke-linejoin: round;
}
svg.line .newest {
  stroke-width: 6;
  stroke-linecap: round;
}
footer {
  margin-top: 3rem;
  padding-top: 0.8rem;
  border-top: 1px solid var(--edge);
  font-size: 0.86rem;
  color: var(--soft);
}
@media (max-width: 44rem) {
  tbody th {
    min-width: 8.5rem;
  }
  body {
    padding: 0.8rem 0.7rem 2rem;
  }
  h1 {
    font-size: 1.3rem;
  }
  .verdict {
    padding: 0.8rem;
  }
  .wide {
    display: none;
  }
  .below.narrow {
    display: block;
  }
  th,
  td {
    padding: 0.4rem 0.45rem;
  }
  .sign {
    width: 1.6rem;
  }
  .chart {
    width: 26%;
  }
  dl div {
    display: block;
  }
  dt {
    font-size: 0.86rem;
  }
  .tiles {
    grid-template-columns: repeat(2, 1fr);
  }
}
@media print {
  :root {
    --ground: #fff;
    --card: #fff;
    --text: #000;
    --soft: #444;
    --edge: #bbb;
    --link: #000;
    --good: #1a6e36;
    --bad: #b3202c;
    --warn: #855200;
    --calm: #475466;
    --bar: #bbb;
    --part: #555;
    --bad-ground: #fff;
    --warn-ground: #fff;
    --good-ground: #fff;
  }
  body {
    max-width: none;
    padding: 0;
    font-size: 10.5pt;
  }
  nav {
    display: none;
  }
  .log {
    max-height: none;
    overflow: visible;
  }
  details::details-content {
    content-visibility: visible;
    block-size: auto;
  }
  tr,
  .verdict,
  .tiles li {
    break-inside: avoid;
  }
  h2,
  h3,
  summary {
    break-after: avoid;
  }
  svg rect,
  svg path {
    print-color-adjust: exact;
    -webkit-print-color-adjust: exact;
  }
}
`;
