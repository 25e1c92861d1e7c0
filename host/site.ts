import { createHash } from 'node:crypto';
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { factsOf, sizeHistory, sizesOf, summaryOf, type RunSummary, type Sizes } from '../model/report/facts.js';
import { PAGE_BEGINNING } from '../model/report/html/page.js';
import { renderHtml } from '../model/report/html/report-page.js';
import { RUN_PAGES } from '../model/report/page.js';
import { renderRuns, renderSite } from '../model/report/html/site-page.js';
import { byInstance, installationOf, isWhole, type KnownRun, type ShownRun } from '../model/report/installation.js';
import type { Report } from '../model/report/data.js';
import type { StateDirectory } from '../model/machine/state-directory.js';
import { messageOf } from '../model/text/message-of.js';
import { readLooks } from './channel-looks.js';
import { HostFault, systemCode } from './errors.js';
import { exists, hasFields, makeFolder, readIfThere, readJson, writeWhole } from './files.js';
import { installed, version } from './installation.js';
import { takeLock, type MachineLock } from './machine-lock.js';
import { ownIdentity } from './processes.js';
import { stateFault } from './state-directory.js';
import { EARLIER_RUNS, GoneReport, readReport, reportFiles, type ReportFile } from './reports.js';

export interface MadeSite {
  readonly directory: string;
  readonly pages: number;
  readonly written: number;
  readonly removed: number;
  /** Files of reports that could not be read, and why. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
}

/** Folder of the pages of runs. */
/** What is kept beside the pages: see `Kept`. */
const RECORD = '.lockkeeper-site.json';
/** Runs of each instance that the first page is made of; their hosts are those of the newest one. */
const LOOKED_AT = 30;
/** How long to wait for another process that makes the site. */
const LOCK_MS = 60_000;
/** Names of files that are being written: see `writeWhole`. */
const UNFINISHED = /\.(?:html|json)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.new$/;
/** Reports that are read, and pages that are written, at the same time. */
const AT_ONCE = 4;
const FOLDER = 0o755;

/** What the last making knew, so that a new report costs one page and not all. It may be lost at any time. */
interface Kept {
  /** Which state directory the site is of. */
  readonly of: string;
  /** Which program made the pages. */
  readonly by: string;
  readonly runs: Readonly<Record<string, KeptRun>>;
}

interface KeptRun {
  /** What its page was made of. */
  readonly key: string;
  readonly summary: RunSummary;
}

interface SiteRun extends ShownRun {
  readonly file: ReportFile;
  readonly key: string;
}

/**
 * Makes the site of an installation from the reports on its disk: a page of how everything stands, a page of all runs, and a page for each.
 * Pages are replaced as a whole, those that are the same stay as they are, and those of runs that are gone are removed if Lockkeeper made
 * them. They may be read by whoever may read the folder. Safe to repeat, and to end at any moment.
 * @param now milliseconds since 1970
 * @throws HostFault when the folder cannot be used; its message is complete for people
 */
export async function makeSite(
  state: StateDirectory,
  directory: string,
  { now = Date.now(), signal }: { readonly now?: number; readonly signal?: AbortSignal } = {},
): Promise<MadeSite> {
  const lock = await siteLock(state, signal);
  try {
    return await new Making(state, directory, await programName(), signal).make(now);
  } catch (error) {
    if (error instanceof HostFault || systemCode(error) === null) throw error;
    throw new HostFault(
      `The site cannot be written to ${directory}: ${messageOf(error)}. Name a folder that you may write to.`,
    );
  } finally {
    await lock.release();
  }
}

/** Two that make the same site would remove each other's pages. */
async function siteLock(state: StateDirectory, signal: AbortSignal | undefined): Promise<MachineLock> {
  await makeFolder(state.locks).catch((error: unknown) => {
    throw stateFault(state, error);
  });
  const self = await ownIdentity();
  const until = performance.now() + LOCK_MS;
  while (performance.now() < until) {
    const lock = await takeLock(path.join(state.locks, 'site'), self, 'makes the site');
    if (lock !== null) return lock;
    await sleep(200, undefined, { signal });
  }
  throw new HostFault('Another command has been making the site for a minute. Try again when it is done.');
}

/** Which program makes pages: those of another one are made anew. Worker and command are the same one. */
async function programName(): Promise<string> {
  const bundle = await stat(installed('dist/client/bundle.cjs')).catch(() => null);
  return [version(), installed(''), bundle?.mtimeMs ?? ''].join(' ');
}

class Making {
  readonly #state: StateDirectory;
  readonly #directory: string;
  /** Which program makes the pages. */
  readonly #program: string;
  readonly #signal: AbortSignal | undefined;
  /** Reports that are being read, by the names of their files. */
  readonly #reports = new Map<string, Promise<Report>>();
  readonly #sizes = new Map<string, Promise<Sizes>>();
  readonly #unreadable: { file: string; reason: string }[] = [];
  /** Pages of runs that are being written. */
  readonly #writing: Promise<void>[] = [];
  #written = 0;
  #mode = 0o600;

  constructor(state: StateDirectory, directory: string, program: string, signal: AbortSignal | undefined) {
    this.#state = state;
    this.#directory = directory;
    this.#program = program;
    this.#signal = signal;
  }

  async make(now: number): Promise<MadeSite> {
    const folder = path.join(this.#directory, RUN_PAGES);
    await this.#begin(folder);
    const kept = await this.#kept();
    await this.#removeUnfinished();
    const there = new Set(await readdir(folder));
    const runs = await this.#runPages(kept, there);
    const newest = [...runs].sort((one, other) => (one.summary.startedAt < other.summary.startedAt ? 1 : -1));
    const installation = installationOf(newest, await this.#known(newest));
    const looks = await readLooks(this.#state);
    const making = { at: Math.floor(now / 60_000) * 60_000, unreadable: this.#unreadable, looks };
    await this.#put('index.html', renderSite(installation, making));
    await this.#put('runs.html', renderRuns(installation, making));
    const removed = await this.#removeOthers(
      folder,
      there,
      new Set(runs.map(({ page }) => path.basename(decodeURIComponent(page)))),
    );
    const record: Kept = {
      of: this.#identity(),
      by: this.#program,
      runs: Object.fromEntries(runs.map(({ file, key, summary }) => [file.name, { key, summary }])),
    };
    await writeWhole(path.join(this.#directory, RECORD), JSON.stringify(record));
    return {
      directory: this.#directory,
      pages: runs.length + 2,
      written: this.#written,
      removed,
      unreadable: this.#unreadable,
    };
  }

  /** Makes the folders, and refuses one that holds something else. */
  async #begin(folder: string): Promise<void> {
    await makeFolder(this.#directory, FOLDER);
    // As readable as the folder is, also where the umask of a service would leave nobody but its account.
    const { mode } = await stat(this.#directory);
    this.#mode = 0o600 | (mode & 0o044);
    if (!(await exists(folder))) {
      await makeFolder(folder, FOLDER);
      await chmod(folder, 0o700 | (mode & 0o055));
    }
    for (const page of ['index.html', 'runs.html']) await this.#mayReplace(path.join(this.#directory, page));
  }

  async #mayReplace(file: string): Promise<string | null> {
    const content = await readIfThere(file);
    if (content === null || content.startsWith(PAGE_BEGINNING)) return content;
    throw new HostFault(
      `${file} is not a page that Lockkeeper made, and stays as it is. Name a folder that holds nothing else.`,
    );
  }

  #identity(): string {
    return createHash('sha256').update(this.#state.root).digest('hex').slice(0, 16);
  }

  async #kept(): Promise<Kept['runs']> {
    const isKept = hasFields<Kept>('of', 'by', 'runs');
    const kept = await readJson(path.join(this.#directory, RECORD), isKept);
    if (kept !== null && kept.of !== this.#identity())
      throw new HostFault(
        `${this.#directory} holds the site of another state directory than ${this.#state.root}. Name another folder, or remove that one.`,
      );
    return kept?.by === this.#program ? kept.runs : {};
  }

  /** Makes the pages of runs that are missing or not up to date. In the order in which they were written, so each finds the sizes before it. */
  async #runPages(kept: Kept['runs'], there: ReadonlySet<string>): Promise<readonly SiteRun[]> {
    const files = [...(await reportFiles(this.#state, () => true))].reverse();
    const earlier = new Map<string, readonly ReportFile[]>();
    const runs: SiteRun[] = [];
    for (const [index, file] of files.entries()) {
      this.#signal?.throwIfAborted();
      // Read while this one is made.
      for (const next of files.slice(index + 1, index + AT_ONCE))
        if (kept[next.name] === undefined) this.#read(next).catch(() => undefined);
      const made = await this.#runPage(file, kept[file.name], there, earlier).catch((error: unknown) => {
        if (error instanceof HostFault || systemCode(error) !== null) throw error;
        if (error instanceof GoneReport) return null;
        this.#unreadable.push({ file: file.name, reason: messageOf(error) });
        return null;
      });
      this.#reports.delete(file.name);
      if (made === null) continue;
      runs.push(made);
      const { instance, repository, hosts } = made.summary;
      if (hosts === 0) continue;
      const of = JSON.stringify([instance, repository]);
      const window = [...(earlier.get(of) ?? []), file];
      // A thousand reports of a thousand hosts have no room in memory.
      for (const { name } of window.slice(0, -EARLIER_RUNS)) this.#sizes.delete(name);
      earlier.set(of, window.slice(-EARLIER_RUNS));
    }
    await Promise.all(this.#writing);
    return runs;
  }

  async #runPage(
    file: ReportFile,
    kept: KeptRun | undefined,
    there: ReadonlySet<string>,
    earlier: ReadonlyMap<string, readonly ReportFile[]>,
  ): Promise<SiteRun> {
    const pageName = file.name.replace(/json$/, 'html');
    const shown = { file, page: `${RUN_PAGES}/${encodeURIComponent(pageName)}` };
    const before = ({ instance, repository }: Pick<RunSummary, 'instance' | 'repository'>): readonly ReportFile[] =>
      earlier.get(JSON.stringify([instance, repository])) ?? [];
    const keyOf = (summary: RunSummary): string => {
      const parts = [file, ...before(summary)].map(({ name, bytes, writtenAt }) => `${name} ${bytes} ${writtenAt}`);
      return createHash('sha256').update(parts.join('\n')).digest('base64url');
    };
    if (kept !== undefined && there.has(pageName) && kept.key === keyOf(kept.summary)) {
      return { ...shown, key: kept.key, summary: kept.summary };
    }
    const report = await this.#read(file);
    const summary = summaryOf(report);
    this.#sizes.set(file.name, Promise.resolve(sizesOf(report)));
    const sizes = sizeHistory(await Promise.all(before(summary).map((each) => this.#sizesOf(each))));
    if (this.#writing.length === AT_ONCE) await this.#writing.shift();
    const page = renderHtml(report, { sizes, up: '../index.html' });
    const writing = this.#put(path.join(RUN_PAGES, pageName), page, there.has(pageName));
    writing.catch(() => undefined);
    this.#writing.push(writing);
    return { ...shown, key: keyOf(summary), summary };
  }

  #read(file: ReportFile): Promise<Report> {
    const report = this.#reports.get(file.name) ?? readReport(file);
    this.#reports.set(file.name, report);
    return report;
  }

  async #known(newest: readonly SiteRun[]): Promise<readonly KnownRun[]> {
    const wanted = new Set(
      [...byInstance(newest).values()].flatMap((own) => [
        ...own.filter(isWhole).slice(0, LOOKED_AT),
        ...own.filter(({ summary }) => summary.hosts > 0).slice(0, LOOKED_AT),
      ]),
    );
    const known: KnownRun[] = [];
    for (const run of newest) {
      if (!wanted.has(run)) continue;
      const facts = await readReport(run.file)
        .then(factsOf)
        .catch(() => null);
      if (facts !== null) known.push({ ...run, facts });
    }
    return known;
  }

  #sizesOf(file: ReportFile): Promise<Sizes> {
    const known =
      this.#sizes.get(file.name) ??
      readReport(file)
        .then(sizesOf)
        .catch(() => new Map());
    this.#sizes.set(file.name, known);
    return known;
  }

  async #put(name: string, content: string, isThere = true): Promise<void> {
    const file = path.join(this.#directory, name);
    if (isThere && (await this.#mayReplace(file)) === content) return;
    await writeWhole(file, content, { mode: this.#mode });
    this.#written += 1;
  }

  /** Removes pages of runs that are gone, if Lockkeeper made them. */
  async #removeOthers(folder: string, there: ReadonlySet<string>, wanted: ReadonlySet<string>): Promise<number> {
    let removed = 0;
    for (const name of there) {
      const file = path.join(folder, name);
      if (wanted.has(name) || !name.endsWith('.html')) continue;
      if ((await readIfThere(file))?.startsWith(PAGE_BEGINNING) !== true) continue;
      await rm(file, { force: true });
      removed += 1;
    }
    return removed;
  }

  /** Removes what a process that was killed had not yet put in its place. Nobody else writes here: see `siteLock`. */
  async #removeUnfinished(): Promise<void> {
    for (const folder of [this.#directory, path.join(this.#directory, RUN_PAGES)])
      for (const name of await readdir(folder))
        if (UNFINISHED.test(name)) await rm(path.join(folder, name), { force: true });
  }
}
