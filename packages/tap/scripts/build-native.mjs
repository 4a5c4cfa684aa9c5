// Builds build/Release/fata_tap.node for this machine with node-gyp. Where that is impossible it says so and ends well, since
// everything but opening a device works without the binary.
// Usage: node scripts/build-native.mjs
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.some((name) => folders.some((folder) => existsSync(join(folder, name))))
}

function whatIsMissing() {
  if (process.platform !== 'linux') return `TAP devices need Linux, this is ${process.platform}`
  const missing = []
  if (process.env.PYTHON === undefined && !onPath('python3', 'python')) missing.push('python3')
  if (!onPath('make')) missing.push('make')
  if (process.env.CC === undefined && !onPath('gcc', 'cc')) missing.push('gcc')
  if (process.env.CXX === undefined && !onPath('g++', 'c++')) missing.push('g++')
  return missing.length === 0 ? undefined : `${missing.join(', ')} not found`
}

/** Node's headers stand beside Node in distribution packages and in the official archives: then nothing is downloaded. */
function nodeDirOption() {
  const prefix = dirname(dirname(process.execPath))
  const headers = ['node_api.h', 'uv.h'].every((name) => existsSync(join(prefix, 'include', 'node', name)))
  return headers ? [`--nodedir=${prefix}`] : []
}

function nodeGyp() {
  try {
    return [process.execPath, createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')]
  } catch {
    return ['npx', '--yes', 'node-gyp@11']
  }
}

const reason = whatIsMissing()
if (reason !== undefined) {
  console.warn(`@fata/tap: the native addon is not built (${reason}); opening a device will say ERR_NET_UNSUPPORTED`)
  process.exit(0)
}

const [command, ...args] = [...nodeGyp(), 'rebuild', '-C', join(root, 'native'), '--loglevel=warn', ...nodeDirOption()]
const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
if (status !== 0) {
  console.error(`@fata/tap: node-gyp failed${error === undefined ? '' : `: ${error.message}`}`)
  process.exit(1)
}
// Renamed into place: a running process may have the old one mapped. What remains is no input of the next build.
const made = join(root, 'native', 'build')
const target = join(root, 'build', 'Release', 'fata_tap.node')
mkdirSync(dirname(target), { recursive: true })
copyFileSync(join(made, 'Release', 'fata_tap.node'), `${target}.new`)
renameSync(`${target}.new`, target)
rmSync(made, { recursive: true })
