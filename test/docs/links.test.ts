import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const docs = (await readdir(path.join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
const pages = new Map(
  await Promise.all(
    ['README.md', 'SECURITY.md', ...docs.map((name) => `docs/${name}`)].map(
      async (page) => [page, withoutCode(await readFile(path.join(ROOT, page), 'utf8'))] as const,
    ),
  ),
);

test('every link in the documentation leads to a file, and to a heading of it', async () => {
  const files = new Set([
    ...(await readdir(ROOT)),
    ...(await readdir(path.join(ROOT, 'docs'))).map((name) => `docs/${name}`),
  ]);
  const wrong = [...pages].flatMap(([page, text]) =>
    linksOf(text)
      .filter((link) => {
        const [file = '', heading] = link.split('#');
        const target = file === '' ? page : path.normalize(path.join(path.dirname(page), file));
        if (heading === undefined) return !files.has(target);
        return !headingsOf(pages.get(target) ?? '').has(heading);
      })
      .map((link) => `${page}: ${link}`),
  );
  assert.deepEqual(wrong, []);
});

test('the README names every page of docs/', () => {
  const named = new Set(linksOf(pages.get('README.md') ?? ''));
  assert.deepEqual(
    docs.filter((name) => !named.has(`docs/${name}`)),
    [],
  );
});

function withoutCode(page: string): string {
  return page.replace(/^```[^]*?^```$/gm, '');
}

/** Links within the repository, as they are written: `FILE`, `FILE#HEADING` or `#HEADING`. */
function linksOf(page: string): readonly string[] {
  return [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !link.includes('://'));
}

/** The anchors that GitHub makes of a page's headings. */
function headingsOf(page: string): ReadonlySet<string> {
  return new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
