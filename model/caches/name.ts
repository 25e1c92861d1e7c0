/** A cache as people are shown it: its address without parameters. */
export const cacheName = (to: string): string => to.replace(/\?.*$/s, '').replace(/(?<=[^/])\/+$/, '');
