import { configurationSchema } from '../../model/config/json-schema.js';
import { INSTANCE_OPTIONS } from '../../model/config/options/index.js';
import { everyOption, valueOf } from '../../model/config/options/types.js';
import { notesOf } from '../../model/config/notes.js';
import { findInstance, loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { lookAtInstances } from '../options/config-look.js';
import type { CommandContext } from '../context.js';
import { faultsError } from '../errors.js';
import { message, result, resultJson } from '../terminal/output.js';

export interface CheckFlags extends ConfigFlags {
  readonly fileOnly?: true;
}

/** `lockkeeper config check`: whether the file is valid, what of it does nothing, and whether all it names is there. */
export async function checkConfig(context: CommandContext, flags: CheckFlags): Promise<number> {
  const { file, instances } = await loadConfiguration(flags);
  const looked = flags.fileOnly === true ? { faults: [], notes: [] } : await lookAtInstances(instances);
  const notes = [...notesOf(instances), ...looked.notes];
  if (looked.faults.length > 0) {
    for (const note of notes) message(`note: ${note}.`);
    throw faultsError(looked.faults, file);
  }
  const names = instances.map(({ name }) => name);
  if (context.json) resultJson({ file, instances: names, notes });
  else {
    for (const note of notes) message(`note: ${note}.`);
    result(`${file} is valid (${names.length === 0 ? 'no instances' : `instances: ${names.join(', ')}`}).`);
  }
  return 0;
}

/** `lockkeeper config show INSTANCE`: it with all its defaults, as a part of a configuration file. */
export async function showConfig(context: CommandContext, instance: string, flags: ConfigFlags): Promise<number> {
  const { name, ...options } = findInstance(await loadConfiguration(flags), instance);
  if (context.json) {
    resultJson({ name, ...options });
    return 0;
  }
  const { stringify } = await import('smol-toml');
  const missing = everyOption(INSTANCE_OPTIONS).filter(([option]) => valueOf(options, option) === null);
  result(stringify({ instances: { [name]: options } }).trimEnd());
  result(`\n# Not given, and without a default: ${missing.map(([option]) => option).join(', ')}`);
  return 0;
}

export function printSchema(): number {
  resultJson(configurationSchema());
  return 0;
}
