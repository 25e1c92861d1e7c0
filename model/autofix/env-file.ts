/** A file of variables that cannot be used; the message is the end of a sentence that names the file, and holds no value. */
export class EnvFileFault extends Error {
  override readonly name = 'EnvFileFault';
}

type State = 'name' | 'before-value' | 'value' | 'escape' | 'single' | 'double' | 'double-escape' | 'comment';

/** Within double quotes only these lose their meaning by a backslash. */
const ESCAPED_IN_QUOTES = '"\\`$';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SPACE = ' \t\r';

/**
 * Reads variables as systemd reads an `EnvironmentFile=` (systemd.exec(5)): a `NAME=value` a line, comments after `#` or `;`,
 * single and double quotes that may go over lines and stand beside each other, a backslash before a line feed joins lines.
 * A later line for a name replaces an earlier one. Where systemd passes over what it cannot read, this refuses it.
 * @throws EnvFileFault for a line that is not an assignment, and for a quote that is not closed
 */
export function parseEnvFile(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  let state: State = 'name';
  let name = '';
  let value = '';
  /** Length of the value up to where spaces at its end may be dropped. */
  let solid = 0;
  let line = 1;
  let begin = 1;
  const add = (character: string, isSolid: boolean): void => {
    value += character;
    if (isSolid) solid = value.length;
  };
  const finish = (): void => {
    if (name.trim() !== '' || state !== 'name') variables.set(checkedName(name, state, begin), value.slice(0, solid));
    [name, value, solid, state] = ['', '', 0, 'name'];
  };
  for (const character of text) {
    if (state === 'name' && name === '') begin = line;
    if (character === '\n') line += 1;
    switch (state) {
      case 'name':
        if (character === '\n') finish();
        else if (name === '' && '#;'.includes(character)) state = 'comment';
        else if (character === '=') state = 'before-value';
        else if (name !== '' || !SPACE.includes(character)) name += character;
        break;
      case 'before-value':
      case 'value':
        if (character === '\n') finish();
        else if (character === '\\') state = 'escape';
        else if (state === 'before-value' && character === "'") state = 'single';
        else if (state === 'before-value' && character === '"') state = 'double';
        else if (state === 'value' || !SPACE.includes(character)) {
          state = 'value';
          add(character, !SPACE.includes(character));
        }
        break;
      case 'escape':
        state = 'value';
        if (character !== '\n') add(character, true);
        break;
      case 'single':
        if (character === "'") state = 'before-value';
        else add(character, true);
        break;
      case 'double':
        if (character === '"') state = 'before-value';
        else if (character === '\\') state = 'double-escape';
        else add(character, true);
        break;
      case 'double-escape':
        state = 'double';
        if (character !== '\n') add(ESCAPED_IN_QUOTES.includes(character) ? character : `\\${character}`, true);
        break;
      case 'comment':
        if (character === '\n') state = 'name';
        break;
    }
  }
  if (state === 'single' || state === 'double' || state === 'double-escape')
    throw new EnvFileFault(`has a quote in line ${begin} that is never closed`);
  if (state !== 'comment') finish();
  return variables;
}

function checkedName(text: string, state: State, line: number): string {
  const name = text.trim();
  if (state === 'name' || !NAME.test(name))
    throw new EnvFileFault(`holds something else than NAME=value in line ${line}`);
  return name;
}
