export class CacheFault extends Error {
  override readonly name = 'CacheFault';

  /** @param passes whether another try may do better */
  constructor(
    message: string,
    readonly passes: boolean,
  ) {
    super(message);
  }
}
