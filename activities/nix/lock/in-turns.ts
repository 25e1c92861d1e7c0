/** Looking up a name holds one of the few threads that all files of the worker are read by. */
const AT_ONCE = 2;

/**
 * A function that asks for names, of which few are asked at the same time; the others wait in the order in which they came. Those who
 * ask for the same name meanwhile share one answer, and nothing is remembered after it.
 */
export function inTurns<T>(ask: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  const inTurn = async (name: string): Promise<T> => {
    if (busy < AT_ONCE) busy += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await ask(name);
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  };
  return (name) => {
    const known = asked.get(name);
    if (known !== undefined) return known;
    const found = inTurn(name).finally(() => asked.delete(name));
    asked.set(name, found);
    return found;
  };
}
