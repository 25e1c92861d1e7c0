/** A device of the network, as `ip -details -json link show` has it. */
export interface Link {
  readonly ifname: string;
  /** The bridge that it is a port of. */
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** As `ip -4 -json route show` has it. */
export interface Route {
  readonly dst: string;
  readonly dev?: string;
}

/** What containers and virtual machines are connected by: pairs of veth(4), and taps. Cards of the machine have no kind. */
const INNER_PORTS: readonly (string | undefined)[] = ['veth', 'tun'];
/** A pair that leads to a single container: NixOS gives it 32 bits, systemd-nspawn(1) 28. */
const ONE_CONTAINER_BITS = 28;

/**
 * Networks of containers and virtual machines on this machine: those of bridges that no card of the machine is a port of, and those of
 * pairs. A machine that is a container itself reaches all others by such a device, which is not meant.
 */
export function innerNetworks(links: readonly Link[], routes: readonly Route[]): readonly string[] {
  const kindOf = (link: Link): string | undefined => link.linkinfo?.info_kind;
  const ways = new Set(routes.filter(({ dst }) => dst === 'default').map(({ dev }) => dev));
  const inner = links.filter(({ ifname }) => !ways.has(ifname));
  const bridges = inner.filter(
    (link) =>
      kindOf(link) === 'bridge' &&
      links.every((port) => port.master !== link.ifname || INNER_PORTS.includes(kindOf(port))),
  );
  const pairs = inner.filter((link) => kindOf(link) === 'veth');
  const isOf = (some: readonly Link[], { dev }: Route): boolean => some.some(({ ifname }) => ifname === dev);
  return routes
    .filter((route) => isOf(bridges, route) || (isOf(pairs, route) && bitsOf(route.dst) >= ONE_CONTAINER_BITS))
    .map(({ dst }) => dst);
}

const bitsOf = (network: string): number => Number(network.split('/')[1] ?? 32);
