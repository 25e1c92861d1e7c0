/** Nix's own digits of base 32: no e, o, t and u. */
const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz';
const BYTES = 32;
const LENGTH = 52;

/** The bytes of a SHA-256 in any of Nix's spellings: `sha256:` with 52 digits of base 32 or 64 of base 16, `sha256-` with base 64. */
export function sha256Bytes(text: string): Buffer | null {
  const [, rest = ''] = /^sha256[:-](.+)$/.exec(text) ?? [];
  if (/^[0-9a-f]{64}$/.test(rest)) return Buffer.from(rest, 'hex');
  if (rest.length === LENGTH) return fromDigits(rest);
  const bytes = Buffer.from(rest, 'base64');
  return bytes.length === BYTES ? bytes : null;
}

/** As narinfo files have it: the last digit holds the first bits. */
export function toDigits(bytes: Buffer): string {
  let text = '';
  for (let at = LENGTH - 1; at >= 0; at--) {
    const [byte, shift] = [Math.floor((at * 5) / 8), (at * 5) % 8];
    text += DIGITS.charAt(((((bytes[byte + 1] ?? 0) << 8) | (bytes[byte] ?? 0)) >> shift) & 31);
  }
  return text;
}

function fromDigits(text: string): Buffer | null {
  const bytes = Buffer.alloc(BYTES + 1);
  for (const [index, digit] of Array.from(text).entries()) {
    const value = DIGITS.indexOf(digit);
    if (value === -1) return null;
    const at = (LENGTH - 1 - index) * 5;
    const [byte, shift] = [Math.floor(at / 8), at % 8];
    bytes[byte] = (bytes[byte] ?? 0) | ((value << shift) & 0xff);
    bytes[byte + 1] = (bytes[byte + 1] ?? 0) | (value >> (8 - shift));
  }
  return bytes.subarray(0, BYTES);
}
