import { statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { type CrunchOptions, crunch } from './crunch.ts'

/** How a directory is crunched; assets are what the bundler has its own ways for. */
export type CrunchPluginOptions = Pick<CrunchOptions, 'ext' | 'compress' | 'lastModified' | 'maxBytes'>

const QUERY = '?crunch'
/** The name that the module of a directory has within it, so that what it imports is found from there. */
const MODULE = 'kv-crunch-module.mjs'

/**
 * For Vite, Rollup, esbuild, webpack and others: `kvCrunch.vite()`, `kvCrunch.esbuild()`. An import of a directory with
 * `?crunch` behind it, `import { connect } from './site?crunch'`, gives its files as a store.
 */
export const kvCrunch: UnpluginInstance<CrunchPluginOptions | undefined, false> = createUnplugin((options = {}) => ({
  name: 'kv-crunch',
  enforce: 'pre',
  resolveId(id, importer) {
    if (!id.endsWith(QUERY)) return undefined
    const path = id.slice(0, -QUERY.length)
    const directory = isAbsolute(path) ? path : resolve(importer ? dirname(importer) : '.', path)
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      throw new Error(`${id}: no directory at ${directory}`)
    }
    return join(directory, MODULE)
  },
  loadInclude: (id) => basename(id) === MODULE,
  async load(id) {
    const { code, sources } = await crunch(dirname(id), options)
    for (const source of sources) this.addWatchFile(source)
    return code
  },
}))
