import { idle } from '../../model/config/combinations.js';
import { configurationSchema } from '../../model/config/json-schema.js';
import { isTable } from '../../model/config/kinds.js';
import type { Instance } from '../../model/config/options.js';
import { findInstance, loadConfiguration, type ConfigFlags } from '../config-file.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { message, result, resultJson } from '../output.js';
import type { ConfigAction } from '../program/instances.js';

/** `lockkeeper config check|show|schema`: what the configuration file says, without touching anything. */
export async function config(
  context: CommandContext,
  action: ConfigAction,
  instance: string | null,
  flags: ConfigFlags,
): Promise<number> {
  if ((action === 'show') !== (instance !== null)) {
    throw new CommandError(
      action === 'show' ? 'Name the instance: lockkeeper config show INSTANCE.' : `config ${action} takes no instance.`,
    );
  }
  if (action === 'schema') {
    resultJson(configurationSchema());
    return 0;
  }
  const loaded = await loadConfiguration(flags);
  if (instance !== null) show(context, findInstance(loaded, instance));
  else {
    const notes = loaded.instances.flatMap(idle);
    const names = loaded.instances.map(({ name }) => name);
    if (context.json) resultJson({ file: loaded.file, instances: names, notes });
    else {
      for (const note of notes) message(`note: ${note}.`);
      result(`${loaded.file} is right: ${names.length === 0 ? 'no instances' : names.join(', ')}.`);
    }
  }
  return 0;
}

function show(context: CommandContext, instance: Instance): void {
  const { name, ...options } = instance;
  if (context.json) resultJson({ name, ...options });
  else result([`[instances.${name}]`, ...lines(options, `instances.${name}`)].join('\n'));
}

/** The options as TOML would have them; those that are not given and have no default are comments. */
function lines(options: object, where: string): string[] {
  const all = Object.entries(options as Readonly<Record<string, unknown>>);
  const isGroup = ([key, value]: readonly [string, unknown]): boolean => isTable(value) && key !== 'nixOptions';
  return [
    ...all
      .filter((entry) => !isGroup(entry))
      .map(([key, value]) => (value === null ? `# ${key} is not given` : `${key} = ${toml(value)}`)),
    ...all
      .filter(isGroup)
      .flatMap(([key, value]) => ['', `[${where}.${key}]`, ...lines(value as object, `${where}.${key}`)]),
  ];
}

function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (!isTable(value)) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)} = ${toml(each)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
