import { BadInput } from '../../checks/names.js';
import { checkAppId, checkForgeUrl, forgeAddress, type ForgeAddress } from '../../forge/address.js';
import { forges } from '../../forge/index.js';
import { FORGE_KINDS } from '../../forge/kinds.js';
import { waysOfLanding } from '../../landing/index.js';
import type { Repository, RunOptions } from '../../run/options.js';
import { maybe, oneOf, secretFile, text } from '../kinds.js';
import type { credentials } from './credentials.js';
import type { landing } from './landing.js';
import { option, type Values } from './types.js';

export const forge = {
  forge: {
    doc: 'The forge of the repository, for `land = "pull-request"`: see [pull-requests.md](pull-requests.md).',
    options: {
      kind: option(
        maybe(oneOf(FORGE_KINDS)),
        null,
        '"gitlab"',
        'kind of forge; `gitea` includes Forgejo (default: recognised by the host of the remote)',
        { flag: '--forge-kind <kind>' },
      ),
      url: option(
        maybe(text('an address', checkForgeUrl)),
        null,
        '"https://git.example.org"',
        'web address of the forge, with https unless it is on this machine (default: the host of the remote)',
        { flag: '--forge-url <url>' },
      ),
      tokenFile: option(
        maybe(secretFile),
        null,
        '"/run/secrets/forge-token"',
        'file with a token for the API of the forge (default: `httpsTokenFile`)',
        {
          flag: '--forge-token-file <file>',
          help: 'file with a token for the API of the forge (default: `--https-token-file`)',
        },
      ),
      appId: option(
        maybe(text('an id', checkAppId)),
        null,
        '"123456"',
        'id of a GitHub App that is installed for the repository, in place of a token',
        { flag: '--forge-app-id <id>' },
      ),
      appKeyFile: option(
        maybe(secretFile),
        null,
        '"/run/secrets/forge-app.pem"',
        'file with a private key of that App',
        { flag: '--forge-app-key-file <file>' },
      ),
    },
  },
};

type Options = Values<typeof forge> &
  Pick<Values<typeof credentials>, 'httpsTokenFile'> &
  Pick<Values<typeof landing>, 'land' | 'branch' | 'reviewers'>;

/** The forge of a run that lands as a pull request. @throws BadInput where neither remote nor options tell it */
export function forgeOf(options: Options, repository: Repository): Pick<RunOptions, 'forge'> {
  const { land, branch, reviewers, httpsTokenFile } = options;
  if (!waysOfLanding[land].asksForge) return {};
  const { appId, appKeyFile } = options.forge;
  const tokenFile = appKeyFile ?? options.forge.tokenFile ?? httpsTokenFile;
  if (tokenFile === null) throw new BadInput('land', land, TOKEN_MISSING);
  if (branch === repository.mainBranch)
    throw new BadInput('branch', branch, 'is the main branch: give another one, which Lockkeeper may replace.');
  const address = forgeAddress(options.forge, repository);
  checkTeams(reviewers, address);
  if (appId !== null && address.kind !== 'github')
    throw new BadInput('forge.appId', appId, `is for GitHub, but ${address.url} is not GitHub: give forge.tokenFile.`);
  return { forge: { ...address, tokenFile, ...(appId === null ? {} : { appId }), follows: true } };
}

/** What asks for a forge, as messages name it. */
const STATUSES = ['statuses', 'true'] as const;

/** The forge that gets statuses of verified main. @throws BadInput where neither remote nor options tell it */
export function forgeOfStatuses(
  { statuses, forge: told, httpsTokenFile }: Pick<Options, 'forge' | 'httpsTokenFile'> & { readonly statuses: boolean },
  repository: Repository,
): Pick<RunOptions, 'forge'> {
  if (!statuses) return {};
  const { appId, appKeyFile } = told;
  const tokenFile = appKeyFile ?? told.tokenFile ?? httpsTokenFile;
  if (tokenFile === null) throw new BadInput(...STATUSES, TOKEN_MISSING);
  return { forge: { ...forgeAddress(told, repository, STATUSES), tokenFile, ...(appId === null ? {} : { appId }) } };
}

/** @throws BadInput for a team that the forge cannot ask */
function checkTeams(reviewers: readonly string[], { kind, url, repository }: ForgeAddress): void {
  const [owner = ''] = repository.split('/');
  for (const team of reviewers.filter((each) => each.includes('/'))) {
    if (!forges[kind].hasTeams)
      throw new BadInput('reviewers', team, `is a team, which ${forges[kind].label} cannot ask: name accounts.`);
    if (!team.toLowerCase().startsWith(`${owner.toLowerCase()}/`))
      throw new BadInput('reviewers', team, `is not a team of ${owner}, which owns the repository at ${url}.`);
  }
}

export const TOKEN_MISSING =
  'needs a token of the forge: name its file with forge.tokenFile (--forge-token-file), or give a GitHub App with forge.appId (--forge-app-id).';
