// Builds prebuilds/<platform>-<arch>-<libc>/fata_tap.node for every target whose compiler is found; the package is published with them.
// Usage: node scripts/prebuild.mjs [--all]: with --all, a missing compiler is a failure. CC_linux_arm64_musl=... names a compiler.
//
// Debian: apt install gcc-x86-64-linux-gnu gcc-aarch64-linux-gnu
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const headers = join(dirname(dirname(process.execPath)), 'include', 'node')

const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-fvisibility=hidden', '-shared', '-s']
const DEFINES = ['-DNAPI_VERSION=8', '-D_GNU_SOURCE', '-U_FORTIFY_SOURCE']
/**
 * The addon uses a libc for system calls alone, under names and with structures that all have in common: linked with none, it takes
 * what the process has, so that no compiler for musl is needed.
 */
const WITHOUT_LIBC = ['-nostdlib', '-fno-stack-protector']

/** `machine` is e_machine of the ELF header. */
const TARGETS = [
  { arch: 'x64', machine: 62, triplet: 'x86_64-linux-gnu' },
  { arch: 'arm64', machine: 183, triplet: 'aarch64-linux-gnu' },
].flatMap((target) => [
  { ...target, name: `linux-${target.arch}-glibc`, flags: [] },
  { ...target, name: `linux-${target.arch}-musl`, flags: WITHOUT_LIBC },
])

function find({ name, arch, triplet }) {
  const chosen = process.env[`CC_${name.replaceAll('-', '_')}`]
  const isHost = process.platform === 'linux' && process.arch === arch
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = (command) => folders.some((folder) => existsSync(join(folder, command)))
  return chosen ?? [`${triplet}-gcc`, ...(isHost ? ['gcc'] : [])].find(onPath)
}

function build({ name, machine, flags }, compiler) {
  const folder = join(root, 'prebuilds', name)
  const output = join(folder, 'fata_tap.node')
  const sources = readdirSync(join(root, 'native'))
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(root, 'native', file))
  mkdirSync(folder, { recursive: true })
  const [command, ...own] = compiler.split(' ')
  const all = [...own, ...FLAGS, ...flags, ...DEFINES, '-I', headers, ...sources, '-o', output]
  const { status } = spawnSync(command, all, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${name}: ${compiler} failed`)
  const built = readFileSync(output).readUInt16LE(18)
  if (built !== machine) throw new Error(`${name}: ${compiler} builds for machine ${built}, not ${machine}`)
  console.log(`${name}: ${readFileSync(output).length} bytes, by ${compiler}`)
}

if (!existsSync(join(headers, 'node_api.h')) || !existsSync(join(headers, 'uv.h'))) {
  throw new Error(`the headers of Node are not in ${headers}: use a Node that comes with them`)
}
let missing = 0
for (const target of TARGETS) {
  const compiler = find(target)
  if (compiler !== undefined) build(target, compiler)
  else {
    missing++
    console.warn(`${target.name}: not built, no ${target.triplet}-gcc on the PATH`)
  }
}
if (missing > 0 && process.argv.includes('--all')) process.exitCode = 1
