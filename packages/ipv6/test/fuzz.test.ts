import { ipv6, ipv6Prefix, mac } from '@fata/addr'
import { checksum, putU16 } from '@fata/bytes'
import { PROTOCOL_ICMPV6, pseudoHeaderSum } from '@fata/ip'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { decodeIpv6Header } from '../src/wire.ts'
import { harness, listenTo, OWN_LINK_LOCAL, PEER_MAC, sendUdp } from './harness.ts'
import { echo, fragments, icmp, mldQuery, na, nd, ns, packet, pio, ra, udp, udpSegment } from './packets.ts'

/** With FATA_FUZZ_FRAMES=1000000 it takes some minutes. */
const FRAMES = Number(process.env['FATA_FUZZ_FRAMES'] ?? 10_000)
const SEEDS = [1, 2, 3]
const OWN = 'fd00::a'
const flow = { src: 'fd00::b', dst: OWN }
const local = { src: 'fe80::b', dst: OWN_LINK_LOCAL }

const SPECIMENS: readonly Uint8Array[] = [
  udp(flow),
  udp({ ...flow, dst: 'ff15::7' }),
  echo(flow),
  echo(flow, new Uint8Array(8), 129),
  packet(
    { ...flow, nextHeader: 0 },
    Uint8Array.of(60, 0, 5, 2, 0, 0, 1, 0, 43, 0, 0x1e, 4, 0, 0, 0, 0, 44, 0, 4, 1, 0, 0, 0, 0),
  ),
  ...fragments(flow, udpSegment(flow.src, flow.dst, new Uint8Array(64)), [16, 40]),
  icmp(flow, 2, { rest: 1300, body: udp({ src: OWN, dst: 'fd00::b' }) }),
  icmp(flow, 1, { code: 4, body: udp({ src: OWN, dst: 'fd00::b' }) }),
  ns({ ...local, dst: 'ff02::1:ff00:a' }, OWN, { sourceLinkLayer: PEER_MAC }),
  ns({ src: '::', dst: 'ff02::1:ff00:a' }, OWN, { nonce: new Uint8Array(6) }),
  na(local, 'fd00::b', { solicited: true, override: true }, PEER_MAC),
  nd(
    { ...local, src: 'fe80::1' },
    { kind: 'redirect', target: ipv6('fe80::2'), destination: ipv6('fd99::1'), options: { targetLinkLayer: PEER_MAC } },
  ),
  ra({
    routerLifetime: 1800,
    curHopLimit: 64,
    options: {
      sourceLinkLayer: mac('02:00:00:00:00:01'),
      mtu: 1400,
      prefixes: [pio('2001:db8:1::/64'), pio('2001:db8:2::/64')],
      routes: [{ prefix: ipv6Prefix('2001:db8:3::/48'), preference: 'high', lifetime: 600 }],
      dnsServers: [{ servers: [ipv6('fd00::53')], lifetime: 600 }],
      dnsSearchLists: [{ domains: ['example.org'], lifetime: 600 }],
    },
  }),
  mldQuery({}),
  mldQuery({ group: ipv6('ff15::7'), sources: [ipv6('fd00::b')] }, { dst: 'ff15::7' }),
]

/** A few bytes changed, some bytes cut off or put behind, and in half of the messages a checksum that is right again. */
function mutate(specimen: Uint8Array, below: (n: number) => number): Uint8Array {
  const b = new Uint8Array(specimen.length + (below(4) === 0 ? below(64) : 0))
  b.set(specimen)
  for (let changes = below(5); changes > 0; changes--) b[below(4) === 0 ? below(48) : below(b.length)] = below(256)
  const end = below(8) === 0 ? below(b.length + 1) : b.length
  if (below(2) === 0 && end >= 44 && b[6] === PROTOCOL_ICMPV6) repair(b, end)
  return b.subarray(0, end)
}

function repair(b: Uint8Array, end: number): void {
  putU16(b, 4, end - 40)
  const header = decodeIpv6Header(b, 0, end)
  if (typeof header === 'string') return
  putU16(b, 42, 0)
  putU16(b, 42, checksum(b, 40, end, pseudoHeaderSum(header.src, header.dst, PROTOCOL_ICMPV6, end - 40)))
}

describe('mutated packets', () => {
  it.each(SEEDS)(
    'with seed %i make nothing throw, grow or fall silent',
    (seed) => {
      const random = seededRandom(seed)
      const below = (n: number): number => random.uint32() % n
      const h = harness({ seed, addresses: [ipv6Prefix(`${OWN}/64`)], temporaryAddresses: true, optimisticDad: true })
      h.advance(3000)
      h.layer.join(ipv6('ff15::7'))
      listenTo(h.layer)
      for (let i = 0; i < FRAMES; i++) {
        h.receive(mutate(SPECIMENS[below(SPECIMENS.length)]!, below))
        if (below(50) === 0) trySend(h)
        if (below(20) === 0) h.advance(below(2000))
        if (i % 1000 === 0) h.sent()
      }
      const { neighbors, routes, prefixes, addresses, dnsServers, searchDomains, reassembly } = h.layer.state()
      const sizes = [neighbors, routes, prefixes, dnsServers, searchDomains].map((list) => list.length)
      const bounds = [512, 64, 32, 8, 8]
      for (const [i, size] of sizes.entries()) expect(size).toBeLessThanOrEqual(bounds[i]!)
      expect(addresses.length).toBeLessThanOrEqual(2 + 16 + 16 * 8)
      expect(reassembly.bytes).toBeLessThanOrEqual(262_144)
      // Whatever came before, the link-local address answers, which nothing but a duplicate while it was tried can take.
      h.sent()
      h.receive(ns({ ...local, dst: OWN_LINK_LOCAL }, OWN_LINK_LOCAL, { sourceLinkLayer: PEER_MAC }))
      expect(h.lines().some((line) => line.includes(`NA ${OWN_LINK_LOCAL}`))).toBe(true)
    },
    30_000 + FRAMES,
  )
})

function trySend(h: ReturnType<typeof harness>): void {
  try {
    sendUdp(h.layer, 'fd99::1')
  } catch (error) {
    expect((error as { code: string }).code).toMatch(/^ERR_IP_/)
  }
}
