/** Whether a text is a public key of Nix: a name and 32 bytes. */
export const isPublicKey = (text: string): boolean => /^[^\s:,]+:[A-Za-z0-9+/]{43}=$/.test(text);
