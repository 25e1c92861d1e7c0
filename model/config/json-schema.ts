import type { JsonSchema } from './kinds.js';
import { INSTANCE_OPTIONS } from './options/index.js';
import { TOP_OPTIONS } from './options/top.js';
import type { OptionTable } from './options/types.js';

/** JSON Schema of a configuration file, for editors: https://json-schema.org/draft/2020-12 */
export function configurationSchema(): JsonSchema {
  const instance = { $ref: '#/$defs/instance' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Lockkeeper',
    type: 'object',
    properties: {
      ...optionSchemas(TOP_OPTIONS),
      defaults: { ...instance, description: 'options that hold for every instance that does not give its own' },
      instances: { type: 'object', additionalProperties: instance, description: 'the instances by name' },
    },
    additionalProperties: false,
    $defs: { instance: tableSchema(INSTANCE_OPTIONS) },
  };
}

const tableSchema = (options: OptionTable): JsonSchema => ({
  type: 'object',
  properties: optionSchemas(options),
  additionalProperties: false,
});

const optionSchemas = (options: OptionTable): Readonly<Record<string, JsonSchema>> =>
  Object.fromEntries(
    Object.entries(options).map(([name, about]) => [
      name,
      'options' in about
        ? { ...tableSchema(about.options), description: about.doc }
        : {
            ...about.kind.schema,
            description: about.doc,
            ...(about.fallback === null ? {} : { default: about.fallback }),
          },
    ]),
  );
