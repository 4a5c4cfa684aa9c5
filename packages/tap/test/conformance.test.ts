import { execFileSync } from 'node:child_process'
import { type NetEnds, suite } from '@fata/net/conformance'
import { describe, it } from 'vitest'
import type { TunTapDevice } from '../src/device.ts'
import type { TapOptions } from '../src/options.ts'
import { openTap, openTun } from '../src/tap.ts'
import { cannotOpenDevices, type Namespace, skipped, useNamespace } from './real.ts'

// Two devices of one namespace, joined by the kernel.

const QUIET_MS = 5

/** Resolves when nothing has moved for a while. */
async function settle(devices: readonly TunTapDevice[]): Promise<void> {
  const count = (): string => JSON.stringify(devices.map((device) => device.stats))
  for (let before = '', quiet = 0; quiet < 3; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    if (count() !== before) quiet = -1
    before = count()
  }
}

function ends(a: TunTapDevice, b: TunTapDevice): NetEnds {
  return { a, b, settle: () => settle([a, b]) }
}

function withoutIpv6(ns: Namespace): void {
  ns.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
}

function bridgedTaps(ns: Namespace, options: TapOptions): NetEnds {
  withoutIpv6(ns)
  ns.run('ip', 'link', 'add', 'br0', 'type', 'bridge')
  ns.run('ip', 'link', 'set', 'br0', 'up')
  const [a, b] = ['tapa', 'tapb'].map((name) => {
    const tap = openTap({ ...options, name, netns: ns.name })
    ns.defer(() => tap.close())
    ns.run('ip', 'link', 'set', name, 'master', 'br0')
    return tap
  })
  return ends(a!, b!)
}

const ALL = ['protocol', 'all', 'u32', 'match', 'u32', '0', '0', 'action', 'mirred', 'egress', 'redirect', 'dev']

function joinedTuns(ns: Namespace, options: TapOptions): NetEnds {
  withoutIpv6(ns)
  const [a, b] = ['tuna', 'tunb'].map((name) => {
    const tun = openTun({ ...options, name, netns: ns.name })
    ns.defer(() => tun.close())
    ns.run('tc', 'qdisc', 'add', 'dev', name, 'clsact')
    return tun
  })
  ns.run('tc', 'filter', 'add', 'dev', 'tuna', 'ingress', ...ALL, 'tunb')
  ns.run('tc', 'filter', 'add', 'dev', 'tunb', 'ingress', ...ALL, 'tuna')
  return ends(a!, b!)
}

/** Whether the kernel can hand every frame of one interface to another: needs sch_ingress, cls_u32 and act_mirred. */
function cannotRedirect(): boolean {
  if (none) return true
  const name = `fata${process.pid}-tc`
  execFileSync('ip', ['netns', 'add', name])
  try {
    const lo = ['netns', 'exec', name, 'tc']
    execFileSync('ip', [...lo, 'qdisc', 'add', 'dev', 'lo', 'clsact'], { stdio: 'pipe' })
    execFileSync('ip', [...lo, 'filter', 'add', 'dev', 'lo', 'ingress', ...ALL, 'lo'], { stdio: 'pipe' })
    return false
  } catch (error) {
    return skipped('conformance of TUN', `tc cannot redirect frames: ${String((error as Error).message).trim()}`)
  } finally {
    execFileSync('ip', ['netns', 'delete', name])
  }
}

const none = cannotOpenDevices('conformance of TAP and TUN')
const noRedirect = cannotRedirect()

const KINDS = [
  ['a TAP', none, bridgedTaps, {}],
  ['a TAP without offload', none, bridgedTaps, { offload: false }],
  ['a TUN', noRedirect, joinedTuns, {}],
  ['a TUN without offload', noRedirect, joinedTuns, { offload: false }],
] as const

for (const [kind, skip, join, options] of KINDS) {
  describe.skipIf(skip)(kind, () => {
    const ns = useNamespace()
    suite({ describe, it, create: () => join(ns, options), supports: { quiet: false } })
  })
}
