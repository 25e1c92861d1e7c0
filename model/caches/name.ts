import { cacheKindName, cacheKinds } from './kinds/index.js';

export const cacheAddress = (to: string): string => to.replace(/\?.*$/s, '').replace(/(?<=[^/])\/+$/, '');

/**
 * A cache as people are shown it, and as it is told from others: its address, with no parameters but those that make it another cache,
 * such as `s3://bucket?endpoint=https://minio.example.org`.
 */
export function cacheName(to: string): string {
  const kind = cacheKindName(to);
  const parameters = new URLSearchParams(to.replace(/^[^?]*\??/s, ''));
  const telling = (kind === null ? [] : cacheKinds[kind].telling).flatMap((name) => {
    const value = parameters.get(name);
    return value === null ? [] : [`${name}=${value}`];
  });
  return `${cacheAddress(to)}${telling.length === 0 ? '' : `?${telling.join('&')}`}`;
}
