/**
 * A signal that is aborted after a time, and keeps no process from ending. `AbortSignal.timeout` must not be used for it: the garbage
 * collector takes a signal of that kind to which only `AbortSignal.any` listens, which is then never aborted (Node 20, 22).
 * @param ms at most 2^31 - 1
 */
export function timeLimit(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort(new DOMException('The time is over', 'TimeoutError'));
  }, ms).unref();
  return controller.signal;
}
