import type { JsonSchema } from './kinds.js';
import { INSTANCE_OPTIONS } from './options/index.js';
import type { OptionTable } from './options/types.js';

/** JSON Schema of a configuration file, for editors: https://json-schema.org/draft/2020-12 */
export function configurationSchema(): JsonSchema {
  const instance = { $ref: '#/$defs/instance' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Lockkeeper',
    type: 'object',
    properties: {
      name: { type: 'string', description: TOP_DOC.name },
      defaults: { ...instance, description: TOP_DOC.defaults },
      instances: { type: 'object', additionalProperties: instance, description: TOP_DOC.instances },
    },
    additionalProperties: false,
    $defs: { instance: tableSchema(INSTANCE_OPTIONS) },
  };
}

const TOP_DOC = {
  name: 'tells the schedules of this configuration from those of others on the same server (default: name of the host)',
  defaults: 'options that hold for every instance that does not give its own',
  instances: 'the instances by name',
} as const;

const tableSchema = (options: OptionTable): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(
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
  ),
  additionalProperties: false,
});
