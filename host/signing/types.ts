import type { CommandEnd, CommandOptions } from '../command.js';

export interface Signer {
  /**
   * @param payload the commit object without a signature
   * @param date seconds since 1970: when the commit is made
   * @returns the signature in ASCII armour, as Git keeps it
   * @throws UnusableKey
   */
  sign(payload: string, date: number): Promise<string>;
}

/** Why a key signs nothing, as a sentence that names the file and the way out. Nothing of the key is in it. */
export class UnusableKey extends Error {
  override readonly name = 'UnusableKey';
  constructor(keyFile: string, why: string) {
    super(`the signing key ${keyFile} ${why}`);
  }
}

export type RunProgram = (command: string, args: readonly string[], options: CommandOptions) => Promise<CommandEnd>;
