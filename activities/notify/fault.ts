/** Why a notifier could not tell people. The message is complete for them, names the way out, and holds no secret. */
export class NotifierFault extends Error {
  override readonly name = 'NotifierFault';
}
