/**
 * A host in its one spelling: in lower case, without a dot at the end, and IPv6 as `new URL` shortens it.
 * @param host without port; an IPv6 address in brackets
 */
export function plainHost(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '');
  const isAddress = /^\[[0-9a-f:.]+\]$/.test(name) && URL.canParse(`http://${name}`);
  return isAddress ? new URL(`http://${name}`).hostname : name;
}
