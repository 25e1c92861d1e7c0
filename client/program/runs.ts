import { Option } from 'commander';
import { CommandError } from '../errors.js';
import { LEAST_MARKDOWN_BYTES } from '../../model/report/markdown-fit.js';
import { positiveInteger } from './arguments.js';
import { REPORT_FORMATS, type ReportRequest } from '../commands/report-format.js';
import type { Declaration } from './declaration.js';

const RUN = 'a run: its id, a unique beginning of it, or "latest"';

interface LogsOptions {
  readonly attempt?: number;
  readonly input?: string;
  readonly final?: true;
  readonly follow?: true;
}

/** Looking at runs, and deciding about them. */
export function declareRuns({ program, context, exit }: Declaration): void {
  program
    .command('list')
    .description('list runs, newest first')
    .option('--limit <n>', 'number of runs', positiveInteger('--limit'), 20)
    .action(async (options: { limit: number }) => {
      exit(await (await import('../commands/list.js')).list(context(), options));
    });
  program
    .command('status')
    .description('show where a run stands')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('../commands/status.js')).status(context(), run));
    });
  program
    .command('watch')
    .description('show live progress of a run until it is over, then its report (exit status as for update)')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('../commands/watch.js')).watch(context(), run));
    });
  program
    .command('report')
    .description('print the report of a run that is over')
    .argument('<run>', RUN)
    .addOption(new Option('--format <format>', 'format of the report').choices(REPORT_FORMATS).default('text'))
    .option('-o, --output <file>', 'write it to this file')
    .option('--full', 'list all inputs and all changed packages (of targets that this machine built)')
    .option('--limit <bytes>', 'shorten to this size, least important parts first; needs --format md', markdownBytes)
    .option('--open', 'open it in a browser; needs --format html')
    .action(async (run: string, options: ReportRequest) => {
      exit(await (await import('../commands/report.js')).report(context(), run, options));
    });
  program
    .command('logs')
    .description("print a target's whole build log")
    .argument('<run>', RUN)
    .argument('[target]', 'a target, as the report names it (default: the only one that has a log, or that is broken)')
    .option(
      '--attempt <n>',
      'print the output of the agent in this attempt, not the build log',
      positiveInteger('--attempt'),
    )
    .addOption(
      new Option('--input <name>', 'print the log of the target with this input, which is held back').conflicts(
        'attempt',
      ),
    )
    .addOption(
      new Option(
        '--final',
        'print the log of the last build, even if an earlier build explains why an input is held back',
      ).conflicts(['input', 'attempt']),
    )
    .option('-f, --follow', 'keep printing while the log grows')
    .action(async (run: string, target: string | undefined, options: LogsOptions) => {
      const wanted = {
        target: target ?? null,
        attempt: options.attempt ?? null,
        input: options.input ?? null,
        final: options.final === true,
      };
      exit(await (await import('../commands/logs.js')).logs(context(), run, wanted, options.follow === true));
    });
  for (const kind of ['approve', 'reject'] as const) {
    program
      .command(kind)
      .description(kind === 'approve' ? 'let a waiting run land' : 'end a waiting run without landing')
      .argument('<run>', `${RUN} (the only run that waits)`)
      .option('-m, --message <text>', 'a comment, kept in the report')
      .option('-y, --yes', 'do not ask for confirmation')
      .action(async (run: string, options: { message?: string; yes?: true }) => {
        exit(await (await import('../commands/decide.js')).decide(context(), kind, run, options));
      });
  }
  program
    .command('hold')
    .description('keep an input of an open run where it is on main; the rest is verified again')
    .argument('<run>', RUN)
    .argument('<input>', 'an input that the run moves')
    .option('-m, --message <text>', 'why, kept in the report')
    .action(async (run: string, input: string, options: { message?: string }) => {
      exit(await (await import('../commands/hold.js')).hold(context(), run, input, options.message ?? null));
    });
  program
    .command('cancel')
    .description('end a run and its builds')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('../commands/cancel.js')).cancel(context(), run));
    });
}

function markdownBytes(value: string): number {
  const bytes = positiveInteger('--limit')(value);
  if (bytes >= LEAST_MARKDOWN_BYTES) return bytes;
  throw new CommandError(`--limit ${value} is too little for a report: write ${LEAST_MARKDOWN_BYTES} or more.`);
}
