/** What an entry of the NVD says beside its product and versions. */
interface NvdFacts {
  readonly vendor?: string;
  readonly part?: string;
  readonly version?: string;
  readonly update?: string;
  readonly system?: string;
  readonly vulnerable?: boolean;
  readonly status?: string;
  readonly score?: number;
  /** `vendor:product` of a system that it needs. */
  readonly platform?: string;
  readonly modified?: string;
}

/** An element of `vulnerabilities` of the NVD's JSON 2.0. */
export function nvd(
  id: string,
  product: string,
  bounds: Readonly<Record<string, string>>,
  facts: NvdFacts = {},
): object {
  const { vendor = 'vendor', part = 'a', version = '*', update = '*', system = '*', vulnerable = true } = facts;
  const { status = 'Analyzed', score, platform, modified = '2026-11-28T10:00:00.000' } = facts;
  const criteria = `cpe:2.3:${part}:${vendor}:${product}:${version}:${update}:*:*:*:${system}:*:*`;
  const node = { operator: 'OR', negate: false, cpeMatch: [{ vulnerable, criteria, ...bounds, matchCriteriaId: 'x' }] };
  const needed = `cpe:2.3:o:${platform ?? ''}:-:*:*:*:*:*:*:*`;
  const cvssMetricV31 = [
    { type: 'Primary', cvssData: { baseScore: score, baseSeverity: score === 7.5 ? 'HIGH' : undefined } },
  ];
  return {
    cve: {
      ...{
        id,
        lastModified: modified,
        vulnStatus: status,
        descriptions: [{ lang: 'en', value: 'Quotes " [ { and \\ in it' }],
      },
      metrics: score === undefined ? {} : { cvssMetricV31 },
      configurations: [
        platform === undefined
          ? { nodes: [node] }
          : { operator: 'AND', nodes: [node, { operator: 'OR', cpeMatch: [{ vulnerable: false, criteria: needed }] }] },
      ],
    },
  };
}

/** A file of the NVD. */
export const nvdFile = (vulnerabilities: readonly object[]): string =>
  JSON.stringify({ resultsPerPage: vulnerabilities.length, format: 'NVD_CVE', version: '2.0', vulnerabilities });

/** An advisory of OSV, of npm unless another ecosystem is named. */
export const osv = (
  id: string,
  name: string,
  facts: {
    readonly ecosystem?: string;
    readonly aliases?: readonly string[];
    readonly events?: readonly object[];
    readonly versions?: readonly string[];
  } = {},
): object => {
  const { ecosystem = 'npm', aliases = [], events = [{ introduced: '0' }], versions } = facts;
  const commits = { type: 'GIT', repo: 'https://example.org', events: [{ introduced: '0' }] };
  return {
    ...{ schema_version: '1.6.0', id, aliases, modified: '2026-11-27T10:00:00Z' },
    affected: [{ package: { name, ecosystem }, ranges: [commits, { type: 'ECOSYSTEM', events }], versions }],
    database_specific: { severity: 'MODERATE' },
  };
};
