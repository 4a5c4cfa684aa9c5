import { formatEndpoint, type IpAddress, ip, isIpv4 } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import type { UdpSocket } from '@fata/udp'
import { createSwitch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'

const PORT = 5000

describe.each([
  ['IPv4', '239.1.2.3', ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
  ['IPv6', 'ff15::7', ['fd00::1', 'fd00::2', 'fd00::3']],
])('UDP sockets in groups of %s', (_, groupText, hosts) => {
  const group = ip(groupText)
  const [us, second, third] = hosts.map(ip) as [IpAddress, IpAddress, IpAddress]
  let runtime: VirtualRuntime
  let stacks: Stack[]
  let receiver: Stack

  beforeEach(async () => {
    runtime = createVirtualRuntime(3)
    const lan = createSwitch(runtime)
    stacks = [1, 2, 3].map((n) => createStack(lan.port(), { ipv4: `10.0.0.${n}/24`, ipv6: `fd00::${n}/64` }, runtime))
    receiver = stacks[0]!
    await runtime.clock.settle(Promise.all(stacks.map((stack) => stack.ready)))
    runtime.clock.advance(5000)
  })

  /** Whom each socket hears when everybody sends to the group. */
  function heard(...sockets: UdpSocket[]): string[][] {
    const logs = sockets.map((socket) => {
      const log: string[] = []
      socket.onMessage = (_buf, _off, _end, { src }) => log.push(formatEndpoint(src))
      return log
    })
    for (const [i, stack] of stacks.entries()) {
      const socket = stack.udp.bind({ address: [us, second, third][i]! })
      socket.send(new Uint8Array(3), { address: group, port: PORT })
    }
    runtime.clock.advance(10)
    return logs.map((log) =>
      log
        .map((from) => hosts.findIndex((host) => from.includes(`${host}:`) || from.includes(`${host}]`)) + 1)
        .map(String)
        .sort(),
    )
  }

  const bind = (): UdpSocket => receiver.udp.bind({ port: PORT, shared: true })
  const only = (...sources: IpAddress[]) => ({ mode: 'include' as const, sources })

  it('hear nothing before they join, everybody then, this host too, and nothing when they have left', () => {
    const socket = bind()
    expect(heard(socket)).toEqual([[]])
    const membership = socket.join(group)
    expect(heard(socket)).toEqual([['1', '2', '3']])
    membership.leave()
    expect(heard(socket)).toEqual([[]])
  })

  it('hear the sources that they want, each by itself (RFC 3376 §3.2, RFC 3810 §4.2)', () => {
    const [a, b] = [bind(), bind()]
    const membership = a.join(group, only(second))
    b.join(group, { mode: 'exclude', sources: [second, us] })
    expect(heard(a, b)).toEqual([['2'], ['3']])
    membership.change(only(us, third))
    expect(heard(a, b)).toEqual([['1', '3'], ['3']])
    a.join(group, only(second))
    expect(heard(a, b)).toEqual([['1', '2', '3'], ['3']])
    expect(receiver.udp.stats.dropped['source-filtered']).toBeGreaterThan(0)
  })

  it('leave their groups when they are closed', async () => {
    const socket = bind()
    socket.join(group)
    await socket.close()
    expect(heard(bind())).toEqual([[]])
    expect(() => socket.join(group)).toThrow(expect.objectContaining({ code: 'ERR_UDP_CLOSED' }))
  })

  it('are told what is no group', () => {
    expect(() => bind().join(us)).toThrow(RangeError)
    const [any, other] = isIpv4(group) ? ['0.0.0.0', 'ff15::7'] : ['::', '239.1.2.3']
    const socket = receiver.udp.bind({ address: ip(any) })
    expect(() => socket.join(ip(other))).toThrow(expect.objectContaining({ code: 'ERR_UDP_FAMILY' }))
  })
})
