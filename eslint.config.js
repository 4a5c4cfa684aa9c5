import tseslint from 'typescript-eslint'

// Formatting and syntax are biome's; this asks only what needs types.
const sources = ['packages/*/src/**/*.ts']
/** These name their platform: Node. */
const nodeSources = ['tap/src', 'kv-dir/src', 'kv-tar/src/file', 'node/src', 'cli/src'].map(
  (path) => `packages/${path}/**/*.ts`,
)
const ownTime = 'Time and randomness come from the injected runtime (packages/runtime).'
const timeGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'crypto'].map(
  (name) => ({
    name,
    message: ownTime,
  }),
)

export default tseslint.config(
  { ignores: ['**/dist/**', '**/build/**', '**/*.js', '**/*.mjs', '**/tsup.config.ts', 'vitest*.ts', 'tsup.base.ts'] },
  {
    files: ['packages/**/*.ts', 'test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { project: './tsconfig.json' } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: sources,
    ignores: ['packages/runtime/src/**'],
    rules: {
      'no-restricted-globals': ['error', ...timeGlobals, { name: 'Buffer', message: 'Uint8Array only.' }],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: ownTime },
        { object: 'Math', property: 'random', message: ownTime },
      ],
    },
  },
  { files: nodeSources, rules: { 'no-restricted-globals': ['error', ...timeGlobals] } },
  {
    files: ['packages/*/src/core.ts', 'packages/*/src/core/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'A core is synchronous.' },
        { selector: "NewExpression[callee.name='Promise']", message: 'A core is synchronous.' },
      ],
    },
  },
)
