import { packageName } from './osv.js';

/**
 * How a package was found to be a product of an advisory, the surest first.
 * - `exact`: it says so itself, by a CPE in its `meta.identifiers`
 * - `mapped`: by the table of products
 * - `name`: only its name is that of the product; perhaps it is another one
 */
export const TIERS = ['exact', 'mapped', 'name'] as const;
export type Tier = (typeof TIERS)[number];

export interface Product {
  /** Vendor of a CPE or ecosystem; `null`: any vendor. */
  readonly origin: string | null;
  readonly product: string;
  readonly tier: Tier;
}

/** Names of packages and their products, as `vendor:product` or `ecosystem:package`. */
export type ProductTable = ReadonlyMap<string, readonly string[]>;

const KERNELS = ['linux', 'linux-zen', 'linux-lqx', 'linux-xanmod', 'linux-hardened', 'linux-rt', 'linux-libre'];
const GNU = ['bash', 'binutils', 'coreutils', 'cpio', 'emacs', 'gcc', 'glibc', 'gnutls', 'gzip', 'libidn2'];
const MORE_GNU = ['ncurses', 'patch', 'sed', 'tar', 'wget', 'nano', 'screen', 'inetutils', 'libtasn1', 'mailutils'];

/** What packages of nixpkgs are called by the NVD. */
const KNOWN_PRODUCTS: ProductTable = new Map<string, readonly string[]>([
  ...KERNELS.map((name) => [name, ['linux:linux_kernel']] as const),
  ...[...GNU, ...MORE_GNU].map((name) => [name, [`gnu:${name}`]] as const),
  ['bash-interactive', ['gnu:bash']],
  ['gnutar', ['gnu:tar']],
  ['gnused', ['gnu:sed']],
  ['gnupg', ['gnupg:gnupg']],
  ['grub', ['gnu:grub2']],
  ['apache-httpd', ['apache:http_server']],
  ['avahi', ['avahi:avahi']],
  ['bind', ['isc:bind']],
  ['bluez', ['bluez:bluez']],
  ['busybox', ['busybox:busybox']],
  ['bzip2', ['bzip:bzip2']],
  ['cairo', ['cairographics:cairo']],
  ['chromium', ['google:chrome']],
  ['chromium-unwrapped', ['google:chrome']],
  ['containerd', ['linuxfoundation:containerd']],
  ['cups', ['apple:cups', 'openprinting:cups']],
  ['curl', ['haxx:curl', 'haxx:libcurl']],
  ['dbus', ['freedesktop:dbus']],
  ['dnsmasq', ['thekelleys:dnsmasq']],
  ['docker', ['docker:docker', 'mobyproject:moby']],
  ['dovecot', ['dovecot:dovecot']],
  ['exim', ['exim:exim']],
  ['expat', ['libexpat_project:libexpat']],
  ['ffmpeg', ['ffmpeg:ffmpeg']],
  ['firefox', ['mozilla:firefox']],
  ['firefox-unwrapped', ['mozilla:firefox']],
  ['firefox-esr-unwrapped', ['mozilla:firefox_esr', 'mozilla:firefox']],
  ['firefox-esr', ['mozilla:firefox_esr', 'mozilla:firefox']],
  ['flatpak', ['flatpak:flatpak']],
  ['freetype', ['freetype:freetype']],
  ['ghostscript', ['artifex:ghostscript']],
  ['git', ['git-scm:git', 'git:git', 'git_project:git']],
  ['git-minimal', ['git-scm:git', 'git:git', 'git_project:git']],
  ['glib', ['gnome:glib']],
  ['go', ['golang:go']],
  ['grafana', ['grafana:grafana']],
  ['gstreamer', ['gstreamer_project:gstreamer', 'gstreamer:gstreamer']],
  ['haproxy', ['haproxy:haproxy']],
  ['imagemagick', ['imagemagick:imagemagick']],
  ['hostapd', ['w1.fi:hostapd']],
  ['jq', ['jqlang:jq', 'jq_project:jq']],
  ['krb5', ['mit:kerberos_5']],
  ['libkrb5', ['mit:kerberos_5']],
  ['less', ['gnu:less', 'greenwoodsoftware:less']],
  ['libarchive', ['libarchive:libarchive']],
  ['libgcrypt', ['gnupg:libgcrypt']],
  ['libjpeg-turbo', ['libjpeg-turbo:libjpeg-turbo']],
  ['libpng', ['libpng:libpng']],
  ['libpng-apng', ['libpng:libpng']],
  ['libssh', ['libssh:libssh']],
  ['libssh2', ['libssh2:libssh2']],
  ['libtiff', ['libtiff:libtiff']],
  ['libwebp', ['webmproject:libwebp']],
  ['libvirt', ['redhat:libvirt']],
  ['libvpx', ['webmproject:libvpx']],
  ['libx11', ['x.org:libx11']],
  ['libxml2', ['xmlsoft:libxml2']],
  ['libxslt', ['xmlsoft:libxslt']],
  ['mariadb', ['mariadb:mariadb']],
  ['mariadb-server', ['mariadb:mariadb']],
  ['mesa', ['mesa3d:mesa']],
  ['neovim-unwrapped', ['neovim:neovim']],
  ['networkmanager', ['gnome:networkmanager']],
  ['nextcloud', ['nextcloud:nextcloud_server']],
  ['nginx', ['f5:nginx', 'nginx:nginx', 'f5:nginx_open_source']],
  ['nix', ['nixos:nix']],
  ['nodejs', ['nodejs:node.js']],
  ['nodejs-slim', ['nodejs:node.js']],
  ['nss', ['mozilla:nss', 'mozilla:network_security_services']],
  ['openjdk', ['oracle:openjdk']],
  ['openldap', ['openldap:openldap']],
  ['openssh', ['openbsd:openssh']],
  ['openssl', ['openssl:openssl']],
  ['openvpn', ['openvpn:openvpn']],
  ['pcre', ['pcre:pcre']],
  ['pcre2', ['pcre:pcre2']],
  ['perl', ['perl:perl']],
  ['php', ['php:php']],
  ['podman', ['podman_project:podman']],
  ['polkit', ['polkit_project:polkit']],
  ['poppler', ['freedesktop:poppler']],
  ['postfix', ['postfix:postfix']],
  ['postgresql', ['postgresql:postgresql']],
  ['prometheus', ['prometheus:prometheus']],
  ['python3', ['python:python']],
  ['python3-minimal', ['python:python']],
  ['qemu', ['qemu:qemu']],
  ['redis', ['redis:redis']],
  ['rsync', ['samba:rsync']],
  ['ruby', ['ruby-lang:ruby']],
  ['runc', ['linuxfoundation:runc']],
  ['samba', ['samba:samba']],
  ['shadow', ['shadow_project:shadow']],
  ['sqlite', ['sqlite:sqlite']],
  ['sudo', ['sudo_project:sudo']],
  ['systemd', ['systemd_project:systemd', 'freedesktop:systemd']],
  ['systemd-minimal', ['systemd_project:systemd', 'freedesktop:systemd']],
  ['thunderbird', ['mozilla:thunderbird']],
  ['thunderbird-unwrapped', ['mozilla:thunderbird']],
  ['tor', ['torproject:tor']],
  ['unbound', ['nlnetlabs:unbound']],
  ['util-linux', ['kernel:util-linux']],
  ['util-linux-minimal', ['kernel:util-linux']],
  ['vim', ['vim:vim']],
  ['webkitgtk', ['webkitgtk:webkitgtk']],
  ['wireshark', ['wireshark:wireshark']],
  ['wpa_supplicant', ['w1.fi:wpa_supplicant']],
  ['xorg-server', ['x.org:x_server', 'x.org:xorg-server']],
  ['xwayland', ['x.org:xwayland']],
  ['xz', ['tukaani:xz']],
  ['zlib', ['zlib:zlib']],
  ['zstd', ['facebook:zstandard']],
]);

export type Products = (name: string) => readonly Product[];

/**
 * Products of packages of nixpkgs, the surest ones first. What the owner's table has is nothing else; what another table has is not
 * looked up by name.
 * @param exact products that packages say to be themselves
 */
export const productsBy =
  (own: ProductTable, exact: ReadonlyMap<string, readonly Product[]> = new Map()): Products =>
  (name) => {
    const chosen = own.get(name);
    if (chosen !== undefined) return chosen.map(mapped);
    const python = /^python3?(?:\.\d+)?-(.+)$/.exec(name)?.[1];
    const listed = KNOWN_PRODUCTS.get(name) ?? (python === undefined ? [] : [`pypi:${python}`]);
    const sure = [...(exact.get(name) ?? []), ...listed.map(mapped)];
    if (sure.length > 0) return sure;
    const product = name.toLowerCase();
    const written = [...new Set([product, product.replaceAll('-', '_')])];
    return written.map((each) => ({ origin: null, product: each, tier: 'name' }));
  };

function mapped(text: string): Product {
  const split = text.indexOf(':');
  const origin = text.slice(0, split).toLowerCase();
  return { origin, product: packageName(origin, text.slice(split + 1)), tier: 'mapped' };
}

/** Ecosystems of other systems and of libraries: a program of the same name is another one. A CPE is a name of the NVD alone. */
export function isMatch(
  { origin, tier }: Product,
  advisory: { readonly origin: string; readonly format: string },
): boolean {
  if (origin === null) return advisory.format === 'nvd' || advisory.origin === 'oss-fuzz';
  return advisory.origin === origin && (tier !== 'exact' || advisory.format === 'nvd');
}
