import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../model/run/messages.js';

/** `enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/**
 * Makes the search attributes that a run sets. Where that is not allowed, says what to type, and runs go on without.
 * @returns those that the server has then; `null` where it did not say
 */
export async function createSearchAttributes(
  client: Client,
  warn: (text: string) => void,
): Promise<readonly string[] | null> {
  const { namespace } = client.options;
  const { operatorService } = client.connection;
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((name) => !Object.hasOwn(customAttributes, name));
    if (missing.length === 0) return SEARCH_ATTRIBUTES;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await operatorService.addSearchAttributes({ namespace, searchAttributes });
    return SEARCH_ATTRIBUTES;
  } catch (error) {
    const flags = SEARCH_ATTRIBUTES.map((name) => `--name ${name} --type Keyword`).join(' ');
    warn(
      `the search attributes could not be made (${error instanceof Error ? error.message : String(error)}); runs cannot be searched by them until an operator types: temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    );
    return null;
  }
}
