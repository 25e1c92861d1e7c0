/** A host without port in its one spelling: lower case, no final dot, IPv6 in brackets as `new URL` shortens it. */
export function plainHost(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '');
  const isAddress = /^\[[0-9a-f:.]+\]$/.test(name) && URL.canParse(`http://${name}`);
  return isAddress ? new URL(`http://${name}`).hostname : name;
}
