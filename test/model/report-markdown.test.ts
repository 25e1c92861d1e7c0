import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageChange, TargetChange } from '../../model/closure/closure.js';
import { fitted, LEAST_MARKDOWN_BYTES, type Part } from '../../model/report/markdown-fit.js';
import { words } from '../../model/report/markdown-parts.js';
import { renderMarkdown } from '../../model/report/markdown.js';
import type { Report } from '../../model/report/data.js';
import { brokenTarget, exampleReport, exampleTarget } from '../support/report.js';

/** Numbers below `below`, the same ones for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const TEXTS = [
  'word',
  'x'.repeat(300),
  '`` ` ```',
  '</details>\n```\n| a | b |\n<details>',
  '@team fixes #12, owner/repo#12 and GH-7, https://github.com/o/r/pull/12, see 1234567890abcdef1234567890abcdef12345678',
  '[a](http://evil) **b** __c__ ![d](e)',
  '\u202eright\u0000\u001b[2J',
  'ünïcödé 🦊'.repeat(20),
];

function randomReport(seed: number): Report {
  const below = random(seed);
  const text = (): string => TEXTS[below(TEXTS.length)] ?? '';
  const some = <T>(most: number, make: (index: number) => T): readonly T[] =>
    Array.from({ length: below(2) === 0 ? below(3) : below(most) }, (_, index) => make(index));
  const maybe = <T extends object>(value: T): T | object => (below(2) === 0 ? {} : value);
  const change = (): TargetChange =>
    below(4) === 0
      ? { kind: 'no-base', size: below(1e9) }
      : {
          kind: 'compared',
          switching: { reboot: below(2) === 0 ? [] : ['kernel'], refuses: some(3, text) },
          sizes: [below(1e9), below(1e9)],
          counts: { up: 100 },
          configuration: below(3),
          packages: some(80, (index): PackageChange => ({
            ...{ name: `${text()}${index}`, kind: 'up', sizes: [1, 2] },
            ...{ before: [text()], after: [text()] },
          })),
        };
  const [example] = exampleReport().inputs;
  assert.ok(example !== undefined);
  return exampleReport({
    outcome: below(2) === 0 ? 'landed' : 'broken',
    repository: text(),
    error: below(2) === 0 ? null : text().repeat(20),
    inputs: some(120, () => ({ ...example, name: text(), nested: some(20, text) })),
    targets: [
      ...some(400, (index) => exampleTarget(`${text()}${index}`, maybe({ closure: change() }))),
      ...some(60, (index) => brokenTarget(`${text()}b${index}`, { logTail: text().repeat(below(60)), error: text() })),
      ...some(30, (index) => exampleTarget(`g${index}`, { kind: 'gate' })),
    ],
    leftOut: some(30, text),
    unfetched: some(30, () => ({ name: text(), reason: text() })),
    heldBack: some(20, () => ({ input: text(), targets: some(5, text), reason: text() })),
    ...maybe({ nothingVerified: text().repeat(10) }),
    ...maybe({ approval: { decision: 'approved' as const, by: text(), commit: 'c'.repeat(40), comment: text() } }),
    ...maybe({
      landed: {
        ...{ mode: 'branch' as const, ref: text(), commit: 'b'.repeat(40) },
        insteadOf: { branch: text(), reason: text() },
      },
    }),
  });
}

/** Checks that fences, folds and tables are whole, and gives the text outside of fences, code spans and code elements. */
function outsideCode(markdown: string): string {
  const bare: string[] = [];
  let fence: string | null = null;
  let open = 0;
  let columns: number | null = null;
  for (const line of markdown.split('\n')) {
    if (fence !== null) {
      if (line === fence) fence = null;
      continue;
    }
    fence = /^(`{3,})text$/.exec(line)?.[1] ?? null;
    if (fence !== null) continue;
    if (line === '<details>') open += 1;
    if (line === '</details>') open -= 1;
    assert.ok(open >= 0 && open <= 2, markdown);
    const cells = line.startsWith('|') ? line.split(/(?<!\\)\|/).length : null;
    if (cells !== null) assert.equal(cells, columns ?? cells, line);
    if (columns !== null && cells === null) assert.equal(line, '', 'a table ends with an empty line');
    columns = cells;
    bare.push(line.replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, '').replace(/<code>[^<]*<\/code>/g, ''));
  }
  assert.equal(fence, null, 'no fence stays open');
  assert.equal(open, 0, 'no fold stays open');
  return bare.join('\n');
}

test('any report in any number of bytes from 2,000 on keeps fences, tables and folds whole, says what it left out, and calls nobody', () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const report = randomReport(seed);
    const limit = LEAST_MARKDOWN_BYTES + random(seed)(seed % 2 === 0 ? 3000 : 60_000);
    const markdown = renderMarkdown(report, limit);
    const bytes = Buffer.byteLength(markdown);
    assert.ok(bytes <= limit, `${bytes} bytes of ${limit}, seed ${seed}`);
    const bare = outsideCode(markdown);
    assert.match(bare, /^## ./, `seed ${seed}`);
    assert.doesNotMatch(
      bare,
      /@\w|(?<!&)#\d|GH-\d|\/pull\/\d|(?<!;)\b[0-9a-f]{7,}\b|\]\(http:\/\/evil|\p{Cf}/iu,
      `seed ${seed}`,
    );
    const whole = renderMarkdown(report, Infinity);
    outsideCode(whole);
    assert.equal(markdown !== whole, /^Cut to \d+ bytes\./m.test(markdown), `seed ${seed}`);
    assert.equal(markdown === whole, Buffer.byteLength(whole) <= limit);
  }
});

test('what is left out of a report is counted, the least important first, and all errors have a word before one has its log', () => {
  const targets = Array.from({ length: 12 }, (_, index) => brokenTarget(`host${index}`, { logTail: 'x'.repeat(3000) }));
  const leftOut = Array.from({ length: 10 }, () => 'y'.repeat(250));
  const report = exampleReport({ outcome: 'broken', landed: null, targets, leftOut });
  const markdown = renderMarkdown(report, 12_000);
  assert.equal(markdown.match(/^\| ✘ \|/gm)?.length, 12);
  const folds = markdown.match(/^<details>$/gm)?.length ?? 0;
  assert.ok(folds >= 8 && markdown.includes('x'.repeat(3000)), markdown);
  assert.ok(folds === 12 || markdown.includes(`and ${12 - folds} more broken hosts`), markdown);
  const small = renderMarkdown(report, 3000);
  assert.match(
    small,
    /\n\nCut to 3000 bytes\. Left out: .*10 changes that were left out\. All of it: `lockkeeper report update-fleet-20261121-093015`\n$/,
  );
  assert.ok((small.match(/^\| ✘ \|/gm)?.length ?? 0) > 5, small);
});

test('parts are cut between their items alone, and a part of no item has no heading', () => {
  const part = (rank: number, letter: string): Part => ({
    ...{ head: `# ${letter}`, gap: '\n', rank, share: 1 / 4 },
    items: Array.from({ length: 100 }, () => [letter.repeat(99), letter.repeat(49)]),
    leftOut: (shown) => [100 - shown, letter],
  });
  const text = fitted([part(1, 'a'), part(0, 'b'), { ...part(2, 'c'), items: [] }], 6000, 'See there.');
  assert.ok(text.length <= 6000);
  assert.doesNotMatch(text, /# c/);
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  assert.ok(count(/^b+$/gm) > count(/^a+$/gm) && count(/^a+$/gm) > 5, text);
  assert.equal(count(/^(?:a{99}|a{49}|b{99}|b{49})$/gm), count(/^[ab]+$/gm));
});

test('a sentence from outside is shown as it is, without names, numbers and addresses that a forge would follow', () => {
  assert.equal(words('a  b\nc'), 'a b c');
  assert.equal(
    words('by @ann in o/r#12, fixes GH-3, !4'),
    'by @&#8203;ann in o/r\\#&#8203;12, fixes GH-&#8203;3, !&#8203;4',
  );
  assert.equal(words('https://github.com/o/r/issues/12'), 'https\\://github.com/o/r/issues/&#8203;12');
  assert.equal(words(`o/r@${'ab'.repeat(20)}`), `o/r@&#8203;a&#8203;${'ab'.repeat(20).slice(1)}`);
});
