import { defineConfig } from 'tsup'

type Config = ReturnType<typeof defineConfig>

/** The one build of the repository: ESM for the floor of Node and for browsers, with types and source maps. */
export function library(...entries: string[]): Config {
  return defineConfig({
    entry: entries.map((name) => `src/${name}.ts`),
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: [/^node:/],
    dts: true,
    sourcemap: true,
    treeshake: true,
    clean: true,
    outDir: 'dist',
  })
}
