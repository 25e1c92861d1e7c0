/**
 * Looks again and again, one look at a time: what is due while one goes on is left out, and one that fails is made up for by the next.
 * @param ms from look to look
 * @returns ends it; a look that goes on is not waited for
 */
export function lookEach(ms: number, look: () => Promise<void>): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look()
      .catch(() => undefined)
      .finally(() => {
        busy = false;
      });
  }, ms);
  return () => {
    clearInterval(timer);
  };
}
