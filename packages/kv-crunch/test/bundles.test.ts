import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { crunch } from '../src/node.ts'
import { kvCrunch } from '../src/plugin.ts'
import { temporaryDirectory, writeTree } from './places.ts'

const place = temporaryDirectory()
const entry = join(place.path, 'entry.js')
const FILES = { 'index.html': '<p>ü</p>', 'js/app.js': 'x'.repeat(3000) }
const conditions = ['@fata/source']

beforeAll(() => {
  writeTree(join(place.path, 'site'), FILES)
  writeFileSync(entry, program("'./site?crunch'"))
})
afterAll(() => place.remove())

/** Hands everything in the store to `report`. */
function program(from: string): string {
  return `import { connect } from ${from}
    const kv = connect()
    const text = async (key) => new TextDecoder().decode(await kv.get(key))
    report((async () => ({
      'index.html': await text('/index.html'),
      'js/app.js': await text('/js/app.js'),
      part: new TextDecoder().decode(await kv.getPartial('/index.html', 3, 2)),
      listed: (await kv.list('/')).map(([key, kind]) => key + ' ' + kind),
      failure: await kv.size('/none').catch((error) => error.code),
    }))())`
}

/** Runs a script with what browsers have, and nothing of Node's. */
async function runInBrowser(script: string): Promise<unknown> {
  let reported: unknown
  const web = { atob, TextDecoder, TextEncoder, AbortController, DecompressionStream, Response, Blob, URL }
  const context = createContext({ ...web, report: (value: unknown) => (reported = value) })
  expect(runInContext('typeof process + typeof Buffer + typeof require', context)).toBe('undefinedundefinedundefined')
  runInContext(script, context)
  return reported
}

const EXPECTED = {
  ...FILES,
  part: 'ü',
  listed: ['/index.html value', '/js dictionary'],
  failure: 'KV_NOT_FOUND',
}

describe('a bundle for browsers', () => {
  it.each([false, true])('of a module, compressed: %s', async (compress) => {
    const module = join(place.path, `module-${compress}.ts`)
    writeFileSync(module, (await crunch(join(place.path, 'site'), { compress, typescript: true })).code)
    const { outputFiles } = await esbuild.build({
      stdin: { contents: program(JSON.stringify(module)), resolveDir: place.path },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      conditions,
    })
    expect(await runInBrowser(outputFiles[0]!.text)).toEqual(EXPECTED)
  })
})

describe('the plugin', () => {
  it('for esbuild', async () => {
    const { outputFiles } = await esbuild.build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      conditions,
      plugins: [kvCrunch.esbuild()],
    })
    expect(await runInBrowser(outputFiles[0]!.text)).toEqual(EXPECTED)
  })

  it('for Vite', async () => {
    const built = await viteBuild({
      configFile: false,
      root: place.path,
      logLevel: 'error',
      resolve: { conditions },
      plugins: [kvCrunch.vite({ compress: true })],
      build: { write: false, lib: { entry, formats: ['iife'], name: 'bundle' } },
    })
    const [{ output }] = built as Array<{ output: Array<{ code: string }> }> as [{ output: Array<{ code: string }> }]
    expect(await runInBrowser(output[0]!.code)).toEqual(EXPECTED)
  })

  it('for Rollup', async () => {
    const runtime = await runtimeScript()
    const bundle = await rollup({
      input: entry,
      plugins: [
        kvCrunch.rollup(),
        { name: 'runtime', resolveId: (id) => (id === '@fata/kv-crunch' ? runtime : null) },
        nodeResolve({ exportConditions: conditions }),
      ],
    })
    const { output } = await bundle.generate({ format: 'iife' })
    expect(await runInBrowser(output[0].code)).toEqual(EXPECTED)
    expect(bundle.watchFiles).toContain(join(place.path, 'site', 'index.html'))
    await bundle.close()
  })

  it('for webpack', { timeout: 60_000 }, async () => {
    const runtime = await runtimeScript()
    const path = join(place.path, 'webpack')
    mkdirSync(path, { recursive: true })
    const compiler = webpack({
      mode: 'development',
      devtool: false,
      context: place.path,
      entry,
      output: { path, filename: 'bundle.js' },
      resolve: { alias: { '@fata/kv-crunch$': runtime } },
      plugins: [kvCrunch.webpack()],
    })
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) =>
      compiler.run((error, result) => (error ? reject(error) : resolve(result))),
    )
    expect(stats?.toJson().errors).toEqual([])
    await new Promise((closed) => compiler.close(closed))
    expect(await runInBrowser(readFileSync(join(path, 'bundle.js'), 'utf8'))).toEqual(EXPECTED)
  })

  it('says what it cannot bundle', async () => {
    writeFileSync(join(place.path, 'wrong.js'), program("'./nowhere?crunch'"))
    const building = esbuild.build({
      entryPoints: [join(place.path, 'wrong.js')],
      bundle: true,
      write: false,
      logLevel: 'silent',
      plugins: [kvCrunch.esbuild()],
    })
    await expect(building).rejects.toThrow('no directory at')
  })
})

/** The runtime as JavaScript, for bundlers that do not read TypeScript. */
async function runtimeScript(): Promise<string> {
  const outfile = join(place.path, 'runtime.mjs')
  const index = join(import.meta.dirname, '../src/index.ts')
  await esbuild.build({ entryPoints: [index], bundle: true, format: 'esm', platform: 'browser', conditions, outfile })
  return outfile
}
