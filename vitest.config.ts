import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@fata/source'] },
  ssr: { resolve: { conditions: ['@fata/source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    testTimeout: 30_000,
    // A capture of a flood is judged when it is over.
    hookTimeout: 120_000,
    reporters: ['default'],
  },
})
