/** Why a notifier could not tell people. The message is complete for them, names the way out, and holds no secret. */
export class NotifierFault extends Error {
  override readonly name = 'NotifierFault';
}

/** The code of a failed system call, such as `ENOENT`. */
export const systemCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
