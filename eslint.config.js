import { builtinModules } from 'node:module';
import eslint from '@eslint/js';
import temporal from 'eslint-plugin-temporal';
import tseslint from 'typescript-eslint';

/** Node's own modules, with and without the prefix. */
const nodeModules = (...except) =>
  builtinModules
    .flatMap((name) => [name, `node:${name}`])
    .filter((name) => !except.includes(name.replace(/^node:/, '')));

/** Patterns for everything below folders of the house, from wherever the path starts. */
const below = (folders) => folders.map((folder) => `**/${folder}/**`);

/** `import('../workers/main.js')` is an import too, and the rule for import declarations does not see it. */
const dynamicImport = (folders) => ({
  selector: `ImportExpression[source.value=/(^|\\u002F)(${folders.join('|').replaceAll('/', '\\u002F')})\\u002F/]`,
  message: 'Imports point one way: see docs/architecture.md.',
});

/** Failures have a type that model/run/failures.ts lists; `instanceof` is fine anywhere. */
const failureWithoutType = {
  selector:
    ":matches(NewExpression[callee.name='ApplicationFailure'], MemberExpression[object.name='ApplicationFailure'])",
  message: 'Make failures by finalFailure and passingFailure of model/run/failures.ts.',
};

/**
 * Which way imports point between the folders of the house.
 * @param folder the folder whose files are checked
 * @param forbidden folders that these files may not import, not even by type
 * @param rest `typesOnly`: folders of which only types may be imported; `paths`: single modules that may not be imported;
 *   `patterns`: the same as patterns
 */
const direction = (folder, forbidden, { typesOnly = [], paths = [], patterns = [] } = {}) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths,
        patterns: [
          { group: below(forbidden), message: 'Imports point one way: see docs/architecture.md.' },
          ...(typesOnly.length === 0
            ? []
            : [
                {
                  group: below(typesOnly),
                  allowTypeImports: true,
                  message: 'Only types may be imported from here: see docs/architecture.md.',
                },
              ]),
          ...patterns,
        ],
      },
    ],
    'no-restricted-syntax': ['error', dynamicImport([...forbidden, ...typesOnly]), failureWithoutType],
  },
});

/** Refuses files at the top of a folder of the house, but for those that belong there: every other one has a room. */
const noLooseFiles = (folder, ...except) => ({
  files: [`${folder}/*.ts`],
  ignores: except.map((name) => `${folder}/${name}.ts`),
  rules: {
    'no-restricted-syntax': [
      'error',
      { selector: 'Program', message: 'Put it into one of the folders here: see docs/architecture.md.' },
    ],
  },
});

/** Nothing that activities import. */
const ABOVE_ACTIVITIES = ['client', 'workflows', 'workers', 'test', 'scripts'];

/** Each of Node's modules as an entry of the rule above. */
const noNode = (message, ...except) => nodeModules(...except).map((name) => ({ name, message }));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'test/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'AbortSignal', property: 'timeout', message: 'See host/time-limit.ts.' },
      ],
    },
  },
  { files: ['**/*.ts'], ignores: ['test/**'], ...temporal.configs.recommended },
  // The plugin judges tests as workflows, which these are not: they run Nix and Git, and call activities themselves.
  {
    files: ['test/**/*.ts'],
    plugins: temporal.configs.recommended.plugins,
    rules: {
      'temporal/test-teardown-required': 'error',
      'temporal/test-worker-run-until-required': 'error',
    },
  },
  // The plugin takes every exported function in this folder for an activity, helpers too. That activities take one object
  // and heartbeat is held by their contract in model/contract/.
  {
    files: ['activities/**/*.ts'],
    rules: {
      'temporal/activity-prefer-single-object-args': 'off',
      'temporal/activity-heartbeat-in-long-loops': 'off',
    },
  },
  // The same for helpers in workflows/ (workflows take one object by model/run/options.ts); names of messages are constants of
  // model/run/messages.ts, which the plugin cannot follow; and typescript-eslint's own rule, which knows types, finds promises
  // that float, where the plugin takes setHandler's void for one.
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'temporal/workflow-prefer-single-object-args': 'off',
      'temporal/workflow-message-name-literal': 'off',
      'temporal/workflow-no-floating-promises': 'off',
      // A query without arguments needs no second type; typescript-eslint refuses one.
      'temporal/workflow-require-explicit-payload-types': 'off',
    },
  },
  // node:test's functions return promises that its runner awaits.
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  direction('model', ['host', 'client', 'workflows', 'activities', 'workers', 'test', 'scripts'], {
    // Paths and hashes are arithmetic; everything else of Node's touches the world.
    paths: noNode('model/ does no I/O.', 'path', 'crypto'),
  }),
  direction('host', ['client', 'workflows', 'activities', 'workers', 'test', 'scripts']),
  direction('client', ['workflows', 'activities', 'workers', 'test', 'scripts']),
  direction('workflows', ['host', 'client', 'workers', 'test', 'scripts'], {
    typesOnly: ['activities'],
    paths: noNode('Workflows run where Node does not exist.'),
    patterns: [
      {
        group: ['**/model/run/keys.js', '**/model/machine/state-directory.js', '**/model/machine/record-directory.js'],
        allowTypeImports: true,
        message: 'This module needs Node: give workflows its results as data.',
      },
    ],
  }),
  direction('activities', ABOVE_ACTIVITIES),
  direction('activities/nix', [...ABOVE_ACTIVITIES, 'gate', 'agent']),
  direction('activities/gate', [...ABOVE_ACTIVITIES, 'nix/build', 'agent']),
  direction('activities/agent', [...ABOVE_ACTIVITIES, 'nix/build', 'gate']),
  direction('activities/supervised', [...ABOVE_ACTIVITIES, 'gate', 'agent', 'sandbox'], {
    patterns: [{ group: ['../nix/**'], message: 'What supervises commands knows nothing of them.' }],
  }),
  direction('workers', ['client', 'test', 'scripts']),
  direction('scripts', ['test']),
  noLooseFiles('client', 'main', 'context', 'errors'),
  noLooseFiles('model'),
  noLooseFiles('activities', 'environment', 'guard', 'reports'),
  noLooseFiles(
    'workflows',
    'index',
    'fix-target',
    'hold-back',
    'hold-repository',
    'read-run-log',
    'record-instance',
    'update-flake',
    'plan-candidate',
    'verify-candidate',
    'watch-channels',
    'watch-instances',
    'watch-repository',
  ),
);
