import { execa } from 'execa';
import { CommandError } from '../errors.js';

/** What shows a file, in the order in which they are tried: what the person names, then the desktop's own way. */
const openers = (): readonly string[] => {
  const { BROWSER } = process.env;
  const own = (BROWSER ?? '').split(':').filter((program) => program !== '' && !/[\s%]/.test(program));
  return [...own, process.platform === 'darwin' ? 'open' : 'xdg-open'];
};

/** How long an opener may take to say that it cannot; a browser that stays open is left alone. */
const PATIENCE_MS = 2_000;

/** Shows a file in a browser, which goes on when this command has ended. @throws CommandError where there is none */
export async function openInBrowser(file: string): Promise<void> {
  for (const program of openers()) {
    const browser = execa(program, [file], { detached: true, stdio: 'ignore', cleanup: false, reject: false });
    const failed = await Promise.race([
      browser.then((end) => end.failed),
      new Promise<false>((done) => setTimeout(done, PATIENCE_MS, false)),
    ]);
    if (!failed) {
      browser.unref();
      return;
    }
  }
  throw new CommandError(
    `No browser could be started (tried ${openers().join(', ')}). Open ${file} yourself, or name a program in $BROWSER.`,
  );
}
