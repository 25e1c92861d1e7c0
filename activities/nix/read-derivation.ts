import { readFile } from 'node:fs/promises';
import { DerivationUnreadable, parseDerivation, type DerivationFile } from '../../model/nix/derivation-file.js';

/** A derivation of the store; `null` stands for a kind that is not known here. */
export async function readDerivation(drvPath: string): Promise<DerivationFile | null> {
  const text = await readFile(drvPath, 'utf8');
  try {
    return parseDerivation(text);
  } catch (error) {
    if (error instanceof DerivationUnreadable) return null;
    throw error;
  }
}
