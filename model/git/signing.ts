/** How signatures of commits are made: with a key of OpenSSH, or of OpenPGP. */
export const SIGNING_FORMATS = ['ssh', 'openpgp'] as const;
export type SigningFormat = (typeof SIGNING_FORMATS)[number];

export interface Signing {
  readonly format: SigningFormat;
  /** Absolute path of a private key without a passphrase, on the machines that make commits. */
  readonly keyFile: string;
}
