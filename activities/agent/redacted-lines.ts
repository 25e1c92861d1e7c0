import { rememberSecret, withoutSecrets } from '../../host/secrets/redact.js';

/** A line that is longer is passed on in pieces. */
const LINE_CHARACTERS = 64 * 1024;

/** Passes on what an agent says, line by line, without the values of its variables. */
export interface RedactedLines {
  readonly push: (text: string) => string;
  /** What is left of a last line. */
  readonly end: () => string;
}

/** @param secrets values that must not be passed on, also where one of their lines stands alone */
export function redactedLines(secrets: readonly string[]): RedactedLines {
  const all = secrets.flatMap((secret) => [secret, ...secret.split('\n')]);
  for (const secret of all) rememberSecret(secret);
  const longest = Math.max(0, ...all.map((secret) => 3 * secret.length));
  let rest = '';
  return {
    push: (text) => {
      rest += text;
      const end = rest.lastIndexOf('\n') + 1;
      const lines = withoutSecrets(rest.slice(0, end));
      rest = rest.slice(end);
      if (rest.length <= LINE_CHARACTERS + longest) return lines;
      // A secret may begin in what is here and end in what is to come.
      const clean = withoutSecrets(rest);
      const cut = Math.max(0, clean.length - longest);
      rest = clean.slice(cut);
      return lines + clean.slice(0, cut);
    },
    end: () => withoutSecrets(rest),
  };
}
