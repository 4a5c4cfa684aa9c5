import { constants } from 'node:os'
import { mac } from '@fata/addr'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import type { TunTapDevice } from '../src/device.ts'
import type { TapOptions } from '../src/options.ts'
import { openDevice } from '../src/tap.ts'
import { FakeNative } from './fake-native.ts'

const { EACCES, EBUSY, EINVAL, EIO, EMFILE, ENODEV, ENOENT, ENOTTY, EPERM } = constants.errno

function open(native: FakeNative, options: TapOptions = {}, mode: 'tap' | 'tun' = 'tap'): TunTapDevice {
  return openDevice(native, mode, options, createVirtualRuntime())
}

/** Opens in vain; returns code, code of the cause, and message. */
function refused(native: FakeNative, options: TapOptions = {}, mode: 'tap' | 'tun' = 'tap'): string {
  try {
    open(native, options, mode)
  } catch (error) {
    const { code, cause, message } = error as Error & { code: string; cause?: { code: string } }
    return `${code} ${cause?.code}: ${message}`
  }
  throw new Error('it was opened')
}

describe('attaching', () => {
  it('asks for everything that the kernel has', () => {
    const native = new FakeNative()
    const tap = open(native, { name: 'tap0', sendBufferBytes: 65536 })
    expect(native.calls).toEqual([
      'open /dev/net/tun',
      'TUNSETIFF tap0 5002',
      'TUNSETVNETHDRSZ 10',
      'TUNSETOFFLOAD 15',
      'TUNSETSNDBUF 65536',
      'rtnetlink 18',
      'rtnetlink 16',
    ])
    expect(tap).toMatchObject({ name: 'tap0', medium: 'ethernet', mtu: 1500, state: 'up' })
    expect(tap.offload).toEqual({ checksum: true, tso4: true, tso6: true })
  })

  it('takes less offload from a kernel that has less', () => {
    const native = new FakeNative()
    native.errors['TUNSETOFFLOAD 15'] = -EINVAL
    native.errors['TUNSETOFFLOAD 7'] = -EINVAL
    expect(open(native).offload.tso4).toBe(true)
    expect(native.calls).toContain('TUNSETOFFLOAD 3')
    expect(native.calls).not.toContain('TUNSETOFFLOAD 1')
  })

  it('does without a header where the kernel has none, or has one of another size', () => {
    const without = new FakeNative()
    without.features = 0x1003
    expect(open(without).offload.checksum).toBe(false)
    expect(without.calls).toContain('TUNSETIFF tap%d 1002')
    const other = new FakeNative()
    other.errors['TUNSETVNETHDRSZ'] = -EINVAL
    expect(open(other).offload.checksum).toBe(false)
    expect(other.calls.slice(0, 5)).toEqual([
      'open /dev/net/tun',
      'TUNSETIFF tap%d 5002',
      'TUNSETVNETHDRSZ 10',
      'close 100',
      'open /dev/net/tun',
    ])
  })

  it('opens TUNs, and interfaces made for several queues', () => {
    const native = new FakeNative()
    native.errors['TUNSETIFF 5001'] = -EINVAL
    const tun = open(native, {}, 'tun')
    expect(native.calls.slice(1, 3)).toEqual(['TUNSETIFF tun%d 5001', 'TUNSETIFF tun%d 5101'])
    expect([tun.medium, tun.mac]).toEqual(['ip', undefined])
  })

  it('adopts a descriptor', () => {
    const native = new FakeNative()
    native.features = 0x5002
    expect(open(native, { fd: 42 }).offload.checksum).toBe(true)
    native.features = 0x1002
    expect(open(native, { fd: 42 }).offload.checksum).toBe(false)
    expect(native.calls).not.toContain('open /dev/net/tun')
  })

  it('adopts one whose interface is in a namespace that cannot be seen', () => {
    const native = new FakeNative()
    native.features = 0x5002
    native.link.exists = false
    expect(open(native, { fd: 42 })).toMatchObject({ mtu: 1500, state: 'up' })
    expect(open(native, { fd: 42, mtu: 1400 }).mtu).toBe(1400)
  })
})

describe('the own address', () => {
  it('is random, local and not that of the host', () => {
    const native = new FakeNative()
    const first = open(native).mac!
    expect(Math.floor(first / 2 ** 40) & 3).toBe(2)
    native.link.mac = first
    expect(open(native).mac).not.toBe(first)
  })

  it('may be given', () => {
    const native = new FakeNative()
    expect(open(native, { mac: mac('02:00:00:00:00:01') }).mac).toBe(mac('02:00:00:00:00:01'))
    expect(() => open(native, { mac: mac('02:00:00:00:00:09') })).toThrow(RangeError)
    expect(native.calls.slice(-1)).toEqual(['close 100'])
  })

  it('is that of a macvtap', () => {
    const native = new FakeNative()
    native.features = 0x5002
    native.link.type = 'macvtap'
    expect(open(native, { fd: 42 }).mac).toBe(mac('02:00:00:00:00:09'))
  })
})

describe('configuration', () => {
  it('changes what differs and nothing else', () => {
    const native = new FakeNative()
    open(native, { mtu: 9000, hostAddresses: ['10.0.0.1/24', 'fd00::1/64'] })
    expect([native.link.mtu, native.link.up, native.addresses.length]).toEqual([9000, true, 2])
    native.calls.length = 0
    open(native, { mtu: 9000, hostAddresses: ['10.0.0.7/24', 'fd00::2/64', '10.1.0.1/24'] })
    expect(native.calls.filter((call) => call.startsWith('rtnetlink'))).toEqual([
      'rtnetlink 18',
      'rtnetlink 22',
      'rtnetlink 20',
    ])
  })

  it('may leave the interface down', () => {
    const native = new FakeNative()
    expect(open(native, { up: false }).state).toBe('down')
    expect(native.link.up).toBe(false)
  })
})

describe('refusals', () => {
  it.each(['a/b', 'sixteen-letters-'])('say that %s is no name', (name) => {
    expect(refused(new FakeNative(), { name })).toMatch(/^ERR_NET_OPEN .*cannot be the name of an interface/)
  })

  it.each([
    [ENOENT, /^ERR_NET_OPEN ENOENT: there is no \/dev\/net\/tun: .*modprobe tun/],
    [ENODEV, /^ERR_NET_OPEN ENODEV: there is no \/dev\/net\/tun/],
    [EACCES, /^ERR_NET_PERMISSION EACCES: this user may not open \/dev\/net\/tun/],
    [EMFILE, /^ERR_NET_OPEN EMFILE: \/dev\/net\/tun: EMFILE/],
  ])('of the device file, errno %i', (errno, message) => {
    const native = new FakeNative()
    native.errors['/dev/net/tun'] = -errno
    expect(refused(native)).toMatch(message)
    expect(native.calls.slice(-1)).toEqual(['close 200'])
  })

  it.each([
    [
      'tun',
      EPERM,
      /^ERR_NET_PERMISSION EPERM: opening tap0, which belongs to another user, needs CAP_NET_ADMIN: .*ip tuntap add dev tap0 mode tap user \$USER/,
    ],
    ['tun', EBUSY, /^ERR_NET_OPEN EBUSY: tap0 is in use by another process/],
    ['tun', EINVAL, /^ERR_NET_OPEN EINVAL: tap0 is not a TAP but its sibling/],
    ['veth', EINVAL, /^ERR_NET_OPEN EINVAL: tap0 is not a TAP or TUN interface but 'veth'/],
    ['tun', EIO, /^ERR_NET_OPEN EIO: attaching to tap0: EIO/],
  ])('of an interface of type %s, errno %i', (type, errno, message) => {
    const native = new FakeNative()
    native.link.type = type
    native.errors['TUNSETIFF'] = -errno
    expect(refused(native, { name: 'tap0' })).toMatch(message)
    expect(native.calls.slice(-3)).toEqual(['close 100', 'rtnetlink 18', 'close 200'])
  })

  it('to make an interface say how root makes one for this user', () => {
    const native = new FakeNative()
    native.link.exists = false
    native.errors['TUNSETIFF'] = -EPERM
    expect(refused(native)).toMatch(
      /making tap%d needs CAP_NET_ADMIN: .*setcap.*ip tuntap add dev tap0 mode tap user \$USER/,
    )
    expect(refused(native, { name: 'x1' }, 'tun')).toMatch(/making x1 .*ip tuntap add dev x1 mode tun user \$USER/)
  })

  it.each([
    [EPERM, /^ERR_NET_PERMISSION EPERM: changing tap0 needs CAP_NET_ADMIN: let root run `ip link set tap0 up`/],
    [EINVAL, /^ERR_NET_OPEN EINVAL: `ip link set tap0 up` is refused: EINVAL/],
  ])('to configure, errno %i', (errno, message) => {
    const native = new FakeNative()
    native.errors['rtnetlink 16'] = -errno
    expect(refused(native)).toMatch(message)
    expect(native.calls.slice(-2)).toEqual(['close 200', 'close 100'])
  })

  it('of an IPv6 address point at the switch', () => {
    const native = new FakeNative()
    native.errors['rtnetlink 20'] = -EACCES
    expect(refused(native, { hostAddresses: ['fd00::1/64'] })).toMatch(/^ERR_NET_OPEN EACCES: .*disable_ipv6/)
  })

  it.each([
    [0x5001, 0, /^ERR_NET_OPEN EINVAL: descriptor 142 cannot be used: tap0 is not a TAP but its sibling/],
    [0x5002, ENOTTY, /^ERR_NET_OPEN ENOTTY: descriptor 142 cannot be used: it is not attached/],
  ])('of a descriptor with flags %i, errno %i; it stays the caller’s', (flags, errno, message) => {
    const native = new FakeNative()
    native.features = flags
    if (errno !== 0) native.errors['TUNGETIFF'] = -errno
    expect(refused(native, { fd: 142 })).toMatch(message)
    expect(native.calls).not.toContain('close 142')
  })

  it('of a descriptor whose frames have something before them', () => {
    const native = new FakeNative()
    native.features = 0x5002
    native.link.packetInfo = true
    expect(refused(native, { fd: 142 })).toMatch(/tap0 was attached without IFF_NO_PI/)
  })

  it.each([
    ['/run/netns/blue', ENOENT, /^ERR_NET_OPEN ENOENT: there is no network namespace 'blue'/],
    ['setns', EPERM, /^ERR_NET_PERMISSION EPERM: entering network namespace 'blue' needs CAP_SYS_ADMIN/],
  ])('of a namespace: %s, errno %i', (what, errno, message) => {
    const native = new FakeNative()
    native.errors[what] = -errno
    expect(refused(native, { netns: 'blue' })).toMatch(message)
  })
})
