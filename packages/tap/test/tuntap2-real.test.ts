import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadNative } from '../src/load.ts'
import { inNamespace } from '../src/namespace.ts'
import { fromTuntap2, type Tuntap2Device } from '../src/tuntap2.ts'
import { cannotOpenDevices, echo, skipped, until, useNamespace } from './real.ts'

// The real package, which compiles itself when it is installed; once per version of Node, into the folder for temporary files.

const PACKAGE = '@xiaobaidadada/node-tuntap2-wintun'
const VERSION = '3.0.2'
const INSTALL_MS = 240_000

interface RealDevice extends Tuntap2Device {
  readonly name: string
  isUp: boolean
  mac: string
  ipv4: string
}

/** Where the package is installed, or why it is not. */
function install(): { readonly path: string } | { readonly reason: string } {
  const target = join(tmpdir(), `fata-tuntap2-${VERSION}-${process.versions.modules}`)
  if (!existsSync(target)) {
    const prefix = dirname(dirname(process.execPath))
    const nodedir = existsSync(join(prefix, 'include/node/node_api.h')) ? { npm_config_nodedir: prefix } : {}
    const folder = mkdtempSync(join(tmpdir(), 'fata-tuntap2-'))
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `${PACKAGE}@${VERSION}`]
    const npm = spawnSync('npm', args, { encoding: 'utf8', env: { ...process.env, ...nodedir }, timeout: INSTALL_MS })
    if (npm.status !== 0) {
      rmSync(folder, { recursive: true })
      return { reason: `npm cannot install it: ${npm.error?.message ?? npm.stderr.trim().split('\n')[0]}` }
    }
    try {
      renameSync(folder, target)
    } catch {
      // Another run was faster.
      rmSync(folder, { recursive: true })
    }
  }
  return { path: join(target, 'node_modules', PACKAGE) }
}

const none = cannotOpenDevices(`${PACKAGE}@${VERSION}`)
const installed = none ? { reason: '' } : install()
const skip = none || skipped(`${PACKAGE}@${VERSION}`, 'reason' in installed ? installed.reason : undefined)

describe.skipIf(skip)('a device of the real package', () => {
  const ns = useNamespace()

  it('answers the kernel, and is closed', { timeout: 30_000 }, async () => {
    const { LinuxTap } = createRequire(import.meta.url)((installed as { path: string }).path) as {
      LinuxTap: new () => RealDevice
    }
    const [device, net] = inNamespace(loadNative(), ns.name, () => {
      const tap = new LinuxTap()
      tap.ipv4 = '10.0.0.1/24'
      tap.isUp = true
      return [tap, fromTuntap2(tap, { lingerMs: 100 })] as const
    })
    expect(net).toMatchObject({ medium: 'ethernet', mtu: 1500, offload: { checksum: false } })
    net.listen(echo(net))
    ns.run('ip', 'neighbour', 'add', '10.0.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', device.name)
    const output = await ns.start('ping', '-c', '3', '-i', '0.05', '-W', '5', '10.0.0.2')
    expect(output).toContain('3 packets transmitted, 3 received')
    await net.close()
    // The read that it may have left waiting in a thread ends with the interface.
    ns.attempt('ip', 'link', 'delete', device.name)
    await until(() => !ns.run('ip', 'link').includes(device.name), 'the end of the interface')
  })
})
