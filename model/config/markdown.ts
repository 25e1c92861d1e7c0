import { capitalized } from '../text/text.js';
import { outputKindNames, outputKinds } from '../targets/index.js';
import { flagHelp, shownFallback } from './options/described.js';
import { OPTION_GROUPS } from './options/index.js';
import { everyOption, type Option, type OptionGroup, type OptionTable } from './options/types.js';

/** A page of the documentation with its tables made anew, which stand between marks. */
export const withTables = (page: string): string =>
  page.replace(MARKED, (_, begin: string, what: string, title: string | undefined, end: string) => {
    const group = OPTION_GROUPS.find((each) => each.title === title);
    const made = group !== undefined ? flagTable(group) : what === 'kinds' ? kindTable() : optionTables();
    return `${begin}\n${made}\n${end}`;
  });

/**
 * `<!-- options -->` takes all options as a file has them, `<!-- flags: Approval -->` the flags of a group, and `<!-- kinds -->` the
 * kinds of targets that are built.
 */
const MARKED = /(<!-- (options|kinds|flags: ([^>]+)) -->\n)[^]*?(<!-- end -->)/g;

const kindTable = (): string =>
  [
    '| written | what is built | attribute |',
    '| --- | --- | --- |',
    ...outputKindNames.map((name) => {
      const { noun, prefix, example, path, derivation } = outputKinds[name];
      const attribute = [...path(example.slice(prefix.length)), ...derivation].join('.');
      return cells(`\`${example}\``, `${noun}s`, `\`${attribute}\``);
    }),
  ].join('\n') + '\n';

const optionTables = (): string =>
  OPTION_GROUPS.flatMap(({ title, options }) => [
    `### ${title}\n`,
    ...table(options),
    ...Object.entries(options).flatMap(([name, about]) =>
      'options' in about
        ? [`${about.doc} A table of its own: \`[instances.NAME.${name}]\`.\n`, ...table(about.options)]
        : [],
    ),
  ]).join('\n');

function table(options: OptionTable): readonly string[] {
  const rows = Object.entries(options).flatMap(([name, about]) => ('options' in about ? [] : [row(name, about)]));
  if (rows.length === 0) return [];
  return ['| option | meaning | default | example |', '| --- | --- | --- | --- |', ...rows, ''];
}

function row(name: string, option: Option<unknown>): string {
  const { kind, doc, example } = option;
  const fallback = shownFallback(option);
  const standard = fallback === null ? '' : `\`${JSON.stringify(fallback)}\``;
  return cells(`\`${name}\``, `${doc}. ${capitalized(kind.words)}`, standard, `\`${example}\``);
}

const flagTable = ({ options, flags = {} }: OptionGroup): string =>
  [
    '| option | meaning |',
    '| --- | --- |',
    ...[...everyOption(options), ...everyOption(flags)].flatMap(([, option]) =>
      option.flag === undefined ? [] : [cells(`\`${flagWords(option.flag, option)}\``, flagHelp(option))],
    ),
  ].join('\n') + '\n';

/** `--host NAME,…`, `--land none|branch|merge`. */
function flagWords(flag: string, { kind }: Option<unknown>): string {
  const words = kind.choices?.join('|');
  return flag.replace(
    /<(.*)>/,
    (_, name: string) => words ?? `${name.toUpperCase()}${kind.many === 'with commas' ? ',…' : ''}`,
  );
}

const cells = (...texts: readonly string[]): string =>
  `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
