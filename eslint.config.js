import eslint from '@eslint/js';
import temporal from 'eslint-plugin-temporal';
import tseslint from 'typescript-eslint';

/** The folders of the house, and what each may import of the others (types only where said). */
const others = (...folders) => folders.map((folder) => `**/${folder}/**`);
const direction = (files, forbidden, typesOnly = []) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          { group: others(...forbidden), message: 'Imports point one way: see docs/architecture.md.' },
          ...(typesOnly.length > 0
            ? [
                {
                  group: others(...typesOnly),
                  allowTypeImports: true,
                  message: 'Workflows import activities by type only.',
                },
              ]
            : []),
        ],
      },
    ],
  },
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'test/fixtures/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  { files: ['**/*.ts'], ...temporal.configs.recommended },
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
  direction(['model/**/*.ts'], ['client', 'workflows', 'activities', 'workers', 'test']),
  direction(['client/**/*.ts'], ['workflows', 'activities', 'workers', 'test']),
  direction(['workflows/**/*.ts'], ['client', 'workers', 'test'], ['activities']),
  direction(['activities/**/*.ts'], ['client', 'workflows', 'workers', 'test']),
  direction(['workers/**/*.ts'], ['client', 'test']),
);
