import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { NetError } from '@fata/net'
import type { Native } from './native.ts'

const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The platform as the folders of prebuilt binaries are named. */
function targetName(): string {
  const libc = readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-') ? 'musl' : 'glibc'
  return `${process.platform}-${process.arch}-${libc}`
}

/** Where the addon of the package in `root` may be: prebuilt, or built on this machine. */
export function binaryPaths(root: string = PACKAGE_ROOT): readonly [prebuilt: string, built: string] {
  return [`${root}prebuilds/${targetName()}/fata_tap.node`, `${root}build/Release/fata_tap.node`]
}

/**
 * Loads the addon of the package in `root`: the prebuilt one, else the one built on this machine. Throws NetError
 * `ERR_NET_UNSUPPORTED`, which says what is missing and what to do.
 */
export function loadNative(root: string = PACKAGE_ROOT, platform: string = process.platform): Native {
  if (platform !== 'linux') {
    throw new NetError(
      'ERR_NET_UNSUPPORTED',
      `TAP and TUN devices need Linux, this is ${platform}: use fromTuntap2, or a device of another package`,
    )
  }
  const [prebuilt, built] = binaryPaths(root)
  const failures: unknown[] = []
  for (const path of [prebuilt, built]) {
    if (!existsSync(path)) continue
    try {
      return createRequire(import.meta.url)(path) as Native
    } catch (error) {
      failures.push(error)
    }
  }
  throw new NetError(
    'ERR_NET_UNSUPPORTED',
    `the native addon of @fata/tap ${failures.length === 0 ? 'is missing' : 'cannot be loaded'} for ${targetName()}: looked for ${prebuilt} ` +
      `and ${built}; build it with \`node ${root}scripts/build-native.mjs\` (needs python3, make, gcc and g++)`,
    failures.length === 0 ? {} : { cause: failures[0] },
  )
}
