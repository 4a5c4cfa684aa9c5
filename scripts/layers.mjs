// Checks that arrows point down: every import of every package against the levels table in ARCHITECTURE.md.
// Usage: node scripts/layers.mjs
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import ts from 'typescript'

const root = new URL('..', import.meta.url).pathname

/** Packages whose sources may import `node:` modules; a path names the only entry that may. */
const NODE_IMPORTS = [
  'runtime',
  'tap',
  'kv-dir',
  'node',
  'cli',
  'stack/src/socket',
  'kv/src/crash',
  'kv/src/lock',
  'kv-level/src/classic',
  'kv-tar/src/file',
  'kv-crunch/src/node',
  'packetdrill/src/command',
]

/** Rows of the form `| 2 protocols | \`ethernet\` \`arp\` | ... |`: the row's place, and the level it is of. */
function readLevels(markdown) {
  const levels = new Map()
  let row = 0
  for (const line of markdown.split('\n')) {
    const match = /^\| (\d+) [^|]*\| (`[^|]+)\|/.exec(line)
    if (match === null) continue
    row++
    for (const [, name] of match[2].matchAll(/`([\w-]+)`/g)) levels.set(name, { row, level: Number(match[1]) })
  }
  return levels
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sources(path)
    else if (entry.name.endsWith('.ts')) yield path
  }
}

function importsOf(path) {
  return ts.preProcessFile(readFileSync(path, 'utf8'), true, true).importedFiles.map((file) => file.fileName)
}

const problems = []
const levels = readLevels(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))
const packages = readdirSync(join(root, 'packages'))

for (const name of packages) {
  if (!levels.has(name)) problems.push(`packages/${name} is missing from the levels table in ARCHITECTURE.md`)
}
for (const name of levels.keys()) {
  if (!packages.includes(name)) problems.push(`the levels table names packages/${name}, which does not exist`)
}

function checkSibling(from, path, specifier, used) {
  const [, to, entry] = /^@fata\/([\w-]+)(\/.+)?$/.exec(specifier)
  used.add(`@fata/${to}`)
  if (to === from) return
  const upper = levels.get(from)
  const lower = levels.get(to)
  const wire = lower?.level === 2 && upper.level === 2 && entry === '/wire'
  if (!(lower?.row < upper?.row) && !wire)
    problems.push(`${path}: ${from} imports ${specifier}, which does not lie below it`)
}

function findCycle(graph) {
  const done = new Set()
  const stack = []
  const visit = (node) => {
    const at = stack.indexOf(node)
    if (at >= 0) return [...stack.slice(at), node]
    if (done.has(node)) return undefined
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next)
      if (cycle !== undefined) return cycle
    }
    stack.pop()
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const cycle = visit(node)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

for (const name of packages) {
  const folder = join(root, 'packages', name)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
  const used = new Set()
  const graph = new Map()
  for (const path of sources(join(folder, 'src'))) {
    const shown = relative(root, path)
    const edges = []
    for (const specifier of importsOf(path)) {
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(path), specifier))
        if (!target.startsWith(`${folder}/`)) problems.push(`${shown}: imports ${specifier}, outside its package`)
        edges.push(relative(root, target))
      } else if (specifier.startsWith('@fata/')) {
        checkSibling(name, shown, specifier, used)
      } else if (specifier.startsWith('node:')) {
        if (!NODE_IMPORTS.some((allowed) => shown.startsWith(`packages/${allowed}`))) {
          problems.push(`${shown}: imports ${specifier}; this package must run in browsers`)
        }
      } else {
        used.add(specifier)
        if (levels.get(name).level <= 2)
          problems.push(`${shown}: imports ${specifier}; levels 0 to 2 depend on nothing from outside`)
      }
    }
    graph.set(shown, edges)
  }
  const cycle = findCycle(graph)
  if (cycle !== undefined) problems.push(`circular imports: ${cycle.join(' -> ')}`)
  for (const dependency of used) {
    if (dependency !== manifest.name && !declared.has(dependency)) {
      problems.push(`packages/${name}: imports ${dependency}, which its package.json does not declare`)
    }
  }
  for (const dependency of declared) {
    if (!used.has(dependency)) problems.push(`packages/${name}: declares ${dependency}, which nothing imports`)
  }
}

for (const problem of problems) console.error(problem)
console.log(
  problems.length === 0
    ? `layers: ${packages.length} packages, every arrow points down`
    : `layers: ${problems.length} problems`,
)
process.exitCode = problems.length === 0 ? 0 : 1
