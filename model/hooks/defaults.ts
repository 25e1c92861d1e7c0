/** Where webhooks are listened for. */
export const LOOPBACK = '127.0.0.1';
export const HOOK_PORT = 8047;
