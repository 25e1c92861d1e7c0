interface UnderWay<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Work that is under way in this process, by key: whoever asks for the same meanwhile shares it. When one of those who
 * wait gives up, the others keep the work; when the last one does, it is aborted, and that one waits until it has ended.
 */
export class SharedWork<T> {
  readonly #underWay = new Map<string, UnderWay<T>>();

  async share(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const shared = this.#underWay.get(key) ?? this.#start(key, work);
    shared.waiting += 1;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        shared.waiting -= 1;
        if (shared.waiting > 0) {
          reject(signal.reason as Error);
          return;
        }
        // Forgotten at once: somebody who comes now must not join what is being ended.
        this.#forget(key, shared);
        shared.abort.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([shared.result, left]);
    } finally {
      if (leave !== undefined) signal.removeEventListener('abort', leave);
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): UnderWay<T> {
    const abort = new AbortController();
    const started: UnderWay<T> = { result: work(abort.signal), abort, waiting: 0 };
    this.#underWay.set(key, started);
    const forget = (): void => {
      this.#forget(key, started);
    };
    started.result.then(forget, forget);
    return started;
  }

  #forget(key: string, work: UnderWay<T>): void {
    if (this.#underWay.get(key) === work) this.#underWay.delete(key);
  }
}
