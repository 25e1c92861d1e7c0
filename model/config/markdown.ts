import { INSTANCE_OPTIONS, type Option, type OptionTable } from './options.js';

/** The tables of options in docs/configuration.md. */
export function optionTables(): string {
  const all: OptionTable = INSTANCE_OPTIONS;
  const plain = Object.entries(all).flatMap(([name, about]) => ('options' in about ? [] : [row(name, about)]));
  const groups = Object.entries(all).flatMap(([name, about]) =>
    'options' in about
      ? [
          `\n### ${name}\n\n${about.doc} A table of its own: \`[instances.NAME.${name}]\`.\n`,
          ...HEAD,
          ...Object.entries(about.options).map(([key, each]) => row(key, each)),
        ]
      : [],
  );
  return `${[...HEAD, ...plain, ...groups].join('\n')}\n`;
}

const HEAD = ['| option | meaning | default | example |', '| --- | --- | --- | --- |'];

function row(name: string, { kind, doc, fallback, example }: Option<unknown>): string {
  const standard = fallback === null ? '' : `\`${JSON.stringify(fallback)}\``;
  return `| \`${name}\` | ${cell(`${doc}. ${kind.words.charAt(0).toUpperCase()}${kind.words.slice(1)}`)} | ${cell(standard)} | ${cell(`\`${example}\``)} |`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
