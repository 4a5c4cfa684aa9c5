import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatMac, mac, writeMac } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import type { TunTapDevice } from '../src/device.ts'
import { loadNative } from '../src/load.ts'
import { inNamespace } from '../src/namespace.ts'
import type { InterfaceState, TapOptions } from '../src/options.ts'
import { openTap, openTun } from '../src/tap.ts'
import { encodeIfreq } from '../src/wire/ifreq.ts'
import { cannotOpenDevices, skipped, until, useNamespace } from './real.ts'

const NOBODY = 65534
const IFF_TAP_NO_PI_VNET = 0x5002

const ns = useNamespace()

function open(options: TapOptions = {}): TunTapDevice {
  const tap = openTap({ name: 'tap0', netns: ns.name, ...options })
  ns.defer(() => tap.close())
  return tap
}

function refused(call: () => unknown): { code: string; message: string } {
  try {
    call()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('it was opened')
}

/** Sends a frame to nobody in particular. */
function write(tap: TunTapDevice, length = 60): void {
  tap.write(length, (buf, off) => {
    buf.fill(0, off, off + length)
    writeMac(buf, off, mac('02:00:00:00:00:99'))
    writeMac(buf, off + 6, tap.mac!)
    return length
  })
}

/** Runs `body` as an ordinary user, who may open the device file: on many machines everybody may. */
function asNobody<T>(body: (devicePath: string) => T): T {
  const devicePath = join(tmpdir(), `fata-tun-${process.pid}`)
  execFileSync('mknod', ['-m', '666', devicePath, 'c', '10', '200'])
  try {
    process.seteuid!(NOBODY)
    return body(devicePath)
  } finally {
    process.seteuid!(0)
    rmSync(devicePath)
  }
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    .filter((path) => path.includes('tun') || path.startsWith('socket:') || path.startsWith('net:'))
}

/** CPU time that the process spends in `ms` without anything to do, in ms. */
async function idleCpu(ms: number): Promise<number> {
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const none = cannotOpenDevices('interfaces of the kernel')

describe.skipIf(none)('an interface', () => {
  it('is made, switched on and given addresses, and goes with the device', async () => {
    const tap = open({ mtu: 1400, hostAddresses: ['10.0.0.1/24', 'fd00::1/64'] })
    const shown = ns.run('ip', 'address', 'show', 'tap0')
    expect(shown).toMatch(/<[^>]*\bUP\b/)
    expect(shown).toContain('mtu 1400')
    expect(shown).toMatch(/inet 10\.0\.0\.1\/24 brd 10\.0\.0\.255/)
    expect(shown).toMatch(/inet6 fd00::1\/64 scope global nodad/)
    expect(shown).not.toContain(formatMac(tap.mac!))
    await tap.close()
    expect(ns.run('ip', 'link')).not.toContain('tap0')
  })

  it('is named by the kernel where nobody names it', () => {
    const first = openTap({ netns: ns.name })
    const second = openTap({ netns: ns.name, name: 'fata%d' })
    const third = openTun({ netns: ns.name })
    for (const device of [first, second, third]) ns.defer(() => device.close())
    expect([first.name, second.name, third.name]).toEqual(['tap0', 'fata0', 'tun0'])
  })

  it('keeps the addresses that it has', () => {
    ns.run('ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap')
    ns.run('ip', 'address', 'add', '10.0.0.254/24', 'dev', 'tap0')
    open({ hostAddresses: ['10.0.0.1/24', '10.1.0.1/16'] })
    const shown = ns.run('ip', 'address', 'show', 'tap0')
    expect(shown).toContain('10.0.0.254/24')
    expect(shown).not.toContain('10.0.0.1/24')
    expect(shown).toContain('10.1.0.1/16')
  })

  it.each([[[]], [['multi_queue']], [['vnet_hdr']]])('is attached to where it exists: %j', (flags) => {
    ns.run('ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap', ...flags)
    expect(open().offload.tso4).toBe(true)
  })

  it('tells when it goes down, up and away', async () => {
    const states: InterfaceState[] = []
    const tap = open({ onState: (state) => states.push(state) })
    tap.listen({ frame: () => {} })
    ns.run('ip', 'link', 'set', 'tap0', 'down')
    await until(() => tap.state === 'down', 'down')
    write(tap)
    await until(() => tap.stats.txDropped['interface-down'] === 1, 'the refused frame')
    ns.run('ip', 'link', 'set', 'tap0', 'up')
    await until(() => tap.state === 'up', 'up')
    ns.run('ip', 'link', 'delete', 'tap0')
    await until(() => tap.state === 'gone', 'gone')
    write(tap)
    await until(() => tap.stats.txDropped['interface-gone'] === 1, 'the lost frame')
    // Its removal may be announced first as going down.
    expect(states.join()).toMatch(/^down,up,(down,)?gone$/)
  })

  it('may move to another namespace with the device open', async () => {
    const name = `${ns.name}b`
    execFileSync('ip', ['netns', 'add', name])
    ns.defer(() => execFileSync('ip', ['netns', 'delete', name]))
    const tap = open()
    tap.listen({ frame: () => {} })
    ns.run('ip', 'link', 'set', 'tap0', 'netns', name)
    await until(() => tap.state === 'down', 'the message that it has left')
    execFileSync('ip', ['-n', name, 'link', 'set', 'tap0', 'up'])
    await until(() => tap.state === 'up', 'what an interface says when it is switched on')
  })

  it.each([
    ['up', []],
    ['down', [['link', 'set', 'tap0', 'down']]],
    ['gone', [['link', 'delete', 'tap0']]],
  ] as [InterfaceState, string[][]][])('costs nothing while it is %s and quiet', async (state, commands) => {
    ns.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
    const tap = open()
    tap.listen({ frame: () => {} })
    for (const command of commands) ns.run('ip', ...command)
    await until(() => tap.state === state, state)
    expect(await idleCpu(300)).toBeLessThan(60)
  })
})

describe.skipIf(none)('the queue', () => {
  it('holds what a slow link behind the interface does not take, up to its bound', async () => {
    const tap = open({ sendBufferBytes: 20_000, queueBytes: 30_000, lingerMs: 0 })
    for (const command of [
      'ip link add v0 type veth peer name v1',
      'ip link add br0 type bridge',
      'tc qdisc add dev v0 root tbf rate 8mbit burst 2000 limit 1000000',
      'ip link set v0 master br0',
      'ip link set tap0 master br0',
      ...['br0', 'v0', 'v1'].map((name) => `ip link set ${name} up`),
    ])
      ns.run('sh', '-c', command)
    for (let i = 0; i < 100; i++) write(tap, 1514)
    await new Promise((resolve) => setImmediate(resolve))
    expect(tap.stats.txDropped).toHaveProperty('queue-full')
    const { txFrames, txDropped } = tap.stats
    const queued = 100 - txFrames - txDropped['queue-full']!
    expect(queued).toBeGreaterThanOrEqual(10)
    expect(queued).toBeLessThanOrEqual(Math.floor(30_000 / 1514))
    await until(() => tap.stats.txFrames === txFrames + queued, 'an empty queue')
    expect(tap.stats.txDropped).toEqual(txDropped)
  })
})

describe.skipIf(none)('what cannot be opened', () => {
  it('is an interface in use', () => {
    open()
    expect(refused(() => open())).toMatchObject({
      code: 'ERR_NET_OPEN',
      message: 'tap0 is in use by another process',
      cause: { code: 'EBUSY' },
    })
  })

  it('is an interface of another kind', () => {
    expect(refused(() => open({ name: 'lo' })).message).toBe("lo is not a TAP or TUN interface but 'physical'")
    ns.run('ip', 'link', 'add', 'v0', 'type', 'veth')
    expect(refused(() => open({ name: 'v0' })).message).toBe("v0 is not a TAP or TUN interface but 'veth'")
    ns.run('ip', 'tuntap', 'add', 'dev', 'tun0', 'mode', 'tun')
    expect(refused(() => open({ name: 'tun0' })).message).toBe('tun0 is not a TAP but its sibling')
  })

  it('is anything without the device file', () => {
    const { code, message } = refused(() => open({ devicePath: '/dev/net/nowhere' }))
    expect([code, message]).toEqual(['ERR_NET_OPEN', expect.stringContaining('modprobe tun')])
  })

  it('is an interface in a namespace that does not exist', () => {
    expect(refused(() => open({ netns: 'nowhere' })).message).toContain("no network namespace 'nowhere'")
  })

  it('is an IPv6 address where IPv6 is disabled; nothing is left behind', () => {
    ns.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
    const before = descriptors()
    const { code, message } = refused(() => open({ hostAddresses: ['fd00::1/64'] }))
    expect([code, message]).toEqual(['ERR_NET_OPEN', expect.stringContaining('disable_ipv6')])
    expect(descriptors()).toEqual(before)
    expect(ns.run('ip', 'link')).not.toContain('tap0')
  })
})

describe.skipIf(none)('an ordinary user', () => {
  it('may not make an interface, and is told who can', () => {
    const { code, message } = asNobody((devicePath) => refused(() => openTap({ devicePath, name: 'fata-nobody' })))
    expect(code).toBe('ERR_NET_PERMISSION')
    expect(message).toMatch(/CAP_NET_ADMIN.*setcap.*ip tuntap add dev fata-nobody mode tap user \$USER/)
  })

  it('may open an interface that root made for them', () => {
    const native = loadNative()
    ns.run('ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap', 'user', String(NOBODY))
    const openAsNobody = (): TunTapDevice =>
      inNamespace(native, ns.name, () => asNobody((devicePath) => openTap({ name: 'tap0', devicePath })))
    expect(refused(openAsNobody)).toMatchObject({
      code: 'ERR_NET_PERMISSION',
      message: 'changing tap0 needs CAP_NET_ADMIN: let root run `ip link set tap0 up`',
    })
    ns.run('ip', 'link', 'set', 'tap0', 'up')
    const tap = openAsNobody()
    ns.defer(() => tap.close())
    expect(tap).toMatchObject({ name: 'tap0', state: 'up', offload: { tso4: true } })
  })

  it('may not open one of somebody else', () => {
    ns.run('ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap', 'user', '1')
    const { message } = inNamespace(loadNative(), ns.name, () =>
      asNobody((devicePath) => refused(() => openTap({ name: 'tap0', devicePath }))),
    )
    expect(message).toMatch(/^opening tap0, which belongs to another user, needs CAP_NET_ADMIN/)
  })
})

describe.skipIf(none)('an inherited descriptor', () => {
  function attached(flags: number): number {
    const native = loadNative()
    return inNamespace(native, ns.name, () => {
      const fd = native.open('/dev/net/tun', true)
      expect(native.ioctl(fd, native.requests.TUNSETIFF, encodeIfreq('tap0', flags))).toBe(0)
      return fd
    })
  }

  it('is adopted with its interface, and closed', async () => {
    const before = descriptors()
    const tap = openTap({ fd: attached(IFF_TAP_NO_PI_VNET), netns: ns.name, hostAddresses: ['10.0.0.1/24'] })
    expect(tap).toMatchObject({ name: 'tap0', state: 'up', offload: { tso4: true } })
    await tap.close()
    expect(descriptors()).toEqual(before)
  })

  it('is refused where frames would have something before them, or it is none', () => {
    const fd = attached(2)
    expect(refused(() => openTap({ fd, netns: ns.name })).message).toContain('without IFF_NO_PI')
    closeSync(fd)
    const other = openSync('/dev/null', 'r+')
    expect(refused(() => openTap({ fd: other })).message).toContain('not attached to a TAP or TUN')
    closeSync(other)
  })

  it('may be that of a macvtap, whose address is ours', async () => {
    ns.run('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1')
    ns.run('ip', 'link', 'set', 'v0', 'up')
    ns.run('ip', 'link', 'set', 'v1', 'up')
    const made = ns.attempt('ip', 'link', 'add', 'link', 'v0', 'name', 'mv0', 'type', 'macvtap', 'mode', 'bridge')
    if (skipped('macvtap', made.status === 0 ? undefined : made.stderr.trim())) return
    const [{ ifindex, address }] = JSON.parse(ns.run('ip', '-j', 'link', 'show', 'mv0')) as [
      { ifindex: number; address: string },
    ]
    const tap = openTap({ fd: openSync(`/dev/tap${ifindex}`, 'r+'), netns: ns.name })
    ns.defer(() => tap.close())
    expect(tap).toMatchObject({ name: 'mv0', mac: mac(address), state: 'up' })
    const seen: number[] = []
    tap.listen({ frame: (buf, off) => seen.push(buf[off]!) })
    ns.run('ip', 'address', 'add', '10.0.0.1/24', 'dev', 'v1')
    void ns.start('ping', '-c', '1', '-W', '1', '10.0.0.2')
    await until(() => seen.includes(0xff), 'an ARP request')
  })
})

describe.skipIf(none)('devices', () => {
  it('leave nothing behind', async () => {
    const before = descriptors()
    for (let i = 0; i < 10; i++) {
      const tap = open()
      tap.listen({ frame: () => {} })
      write(tap)
      await tap.close()
    }
    expect(descriptors()).toEqual(before)
    expect(ns.run('ip', 'link')).not.toContain('tap0')
  })
})
