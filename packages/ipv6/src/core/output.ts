import {
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_ANY,
  type Ipv6,
  ipv6FromWords,
  isIpv6Any,
  isIpv6Multicast,
  type Mac,
  multicastMac,
  solicitedNode,
} from '@fata/addr'
import { PROTOCOL_ICMPV6 } from '@fata/ip'
import { countDrop } from '@fata/net'
import { encodeRouterAlert, HOP_BY_HOP, ROUTER_ALERT_LEN } from '../wire/extension-headers.ts'
import { finishIcmpv6 } from '../wire/icmpv6.ts'
import { encodeIpv6Header, IPV6_HEADER_LEN } from '../wire/ipv6-header.ts'
import { encodeMldReport, encodeMldV1, MLD_RECORD_LEN, MLD_REPORT_LEN, type MldRecord } from '../wire/mld.ts'
import { encodeNd, type NdMessage, ndLength } from '../wire/nd.ts'
import type { NdOptions } from '../wire/nd-options.ts'
import { isOptimistic, type OwnAddress } from './addresses.ts'
import { type Host, linkMtu } from './host.ts'
import type { MldOut } from './mld.ts'
import type { QueuedPacket } from './queued-packet.ts'
import { destinationFor } from './routing.ts'
import { selectSource } from './source-selection.ts'

// Packets that the core sends by itself. They are rare, so each is made in memory of its own.

const ND_HOP_LIMIT = 255
const MLD_HOP_LIMIT = 1
const MLD_V1_LEN = 24
/** ff02::16, RFC 3810 §11. */
const MLD_ROUTERS: Ipv6 = ipv6FromWords(0xff020000, 0, 0, 0x16)
const NOBODY = 0 as Mac

/** Sends an ICMPv6 message of `length` bytes that `fill` writes, routed like any other packet. */
export function sendIcmpv6(
  host: Host,
  now: number,
  header: { readonly src: Ipv6; readonly dst: Ipv6; readonly hopLimit: number },
  length: number,
  fill: (b: Uint8Array, o: number) => number,
): void {
  const packet = icmpv6Packet(header, length, fill)
  sendPacket(host, now, header.src, header.dst, packet)
}

function icmpv6Packet(
  { src, dst, hopLimit }: { readonly src: Ipv6; readonly dst: Ipv6; readonly hopLimit: number },
  length: number,
  fill: (b: Uint8Array, o: number) => number,
): QueuedPacket {
  const bytes = new Uint8Array(IPV6_HEADER_LEN + length)
  const end = fill(bytes, IPV6_HEADER_LEN)
  finishIcmpv6(bytes, IPV6_HEADER_LEN, end, src, dst)
  const nextHeader = PROTOCOL_ICMPV6
  encodeIpv6Header(bytes, 0, { trafficClass: 0, flowLabel: 0, payloadLength: length, nextHeader, hopLimit, src, dst })
  return { bytes, meta: undefined }
}

/** Sends a complete packet by the next hop of `dst`, at once or when that has been resolved. */
export function sendPacket(host: Host, now: number, src: Ipv6, dst: Ipv6, packet: QueuedPacket): void {
  const destination = destinationFor(host, now, dst)
  if (typeof destination === 'string') {
    countDrop(host.stats.unsent, destination === 'ERR_IP_NO_ROUTE' ? 'no-route' : 'no-source')
    return
  }
  const { nextHop } = destination
  switch (nextHop.kind) {
    case 'local':
      host.out.push({ kind: 'loopback', packet })
      break
    case 'multicast':
      transmit(host, nextHop.mac, packet)
      break
    case 'point-to-point':
      transmit(host, NOBODY, packet)
      break
    case 'neighbor':
      sendToNeighbor(host, now, src, nextHop.address, packet)
      break
    default:
      nextHop satisfies never
  }
}

function sendToNeighbor(host: Host, now: number, src: Ipv6, address: Ipv6, packet: QueuedPacket): void {
  const neighbor = host.neighbors.use(now, address, src)
  if (neighbor.mac === undefined) host.neighbors.queue(neighbor, packet)
  else transmit(host, neighbor.mac, packet)
}

function transmit(host: Host, to: Mac, packet: QueuedPacket): void {
  if (host.disabled) countDrop(host.stats.unsent, 'disabled')
  else host.out.push({ kind: 'transmit', to, packet })
}

/** The link-layer address where a group listens. */
function groupMac(host: Host, group: Ipv6): Mac {
  return host.link.mac === undefined ? NOBODY : multicastMac(group)
}

/** Sends a Neighbor Discovery message; `to` is where a unicast one goes, undefined where the neighbor is to be resolved. */
function sendNd(host: Host, now: number, src: Ipv6, dst: Ipv6, message: NdMessage, to?: Mac): void {
  const header = { src, dst, hopLimit: ND_HOP_LIMIT }
  const packet = icmpv6Packet(header, ndLength(message), (b, o) => encodeNd(b, o, message))
  // Not by way of next-hop determination: who asks is a neighbor, whatever prefixes say, and no router may forward the answer.
  if (isIpv6Multicast(dst)) transmit(host, groupMac(host, dst), packet)
  else if (host.link.mac === undefined) transmit(host, NOBODY, packet)
  else if (to !== undefined) transmit(host, to, packet)
  else sendToNeighbor(host, now, src, dst, packet)
}

function ownLinkLayer(host: Host, option: 'sourceLinkLayer' | 'targetLinkLayer'): NdOptions {
  return host.link.mac === undefined ? {} : { [option]: host.link.mac }
}

/**
 * RFC 4861 §7.2.2: the source is that of the packet that waits, where that is an own address. Nothing is asked on behalf of an optimistic
 * address (RFC 4429 §3.2): the packet waits until that is an address like others.
 */
export function sendNeighborSolicitation(
  host: Host,
  now: number,
  target: Ipv6,
  to: Mac | undefined,
  prompted: Ipv6 | undefined,
): void {
  const own = prompted === undefined ? undefined : host.addresses.get(prompted)
  const from = own ?? selectSource(host.addresses.list, target, undefined)
  if (from === undefined || isOptimistic(from)) return
  const src = from.address
  const dst = to === undefined ? solicitedNode(target) : target
  const options = ownLinkLayer(host, 'sourceLinkLayer')
  sendNd(host, now, src, dst, { kind: 'neighbor-solicitation', target, options }, to)
}

/** RFC 4862 §5.4.2, RFC 7527 §4.1. */
export function sendDadProbe(host: Host, now: number, target: Ipv6, nonce: Uint8Array): void {
  const message: NdMessage = { kind: 'neighbor-solicitation', target, options: { nonce } }
  sendNd(host, now, IPV6_ANY, solicitedNode(target), message)
}

/** The answer to a solicitation of `target` by `asker`, RFC 4861 §7.2.4; of an optimistic one RFC 4429 §3.3. */
export function sendSolicitedAdvertisement(host: Host, now: number, target: OwnAddress, asker: Ipv6): void {
  const anonymous = isIpv6Any(asker)
  const dst = anonymous ? IPV6_ALL_NODES : asker
  sendAdvertisement(host, now, target.address, dst, { solicited: !anonymous, override: !isOptimistic(target) })
}

/** Tells routers about the new address `target`, RFC 9131 §6.1.2. */
export function sendAnnouncement(host: Host, now: number, target: Ipv6): void {
  sendAdvertisement(host, now, target, IPV6_ALL_ROUTERS, { solicited: false, override: false })
}

function sendAdvertisement(
  host: Host,
  now: number,
  target: Ipv6,
  dst: Ipv6,
  flags: { readonly solicited: boolean; readonly override: boolean },
): void {
  const options = ownLinkLayer(host, 'targetLinkLayer')
  sendNd(host, now, target, dst, { kind: 'neighbor-advertisement', router: false, ...flags, target, options })
}

/** RFC 4861 §6.3.7. */
export function sendRouterSolicitation(host: Host, now: number): void {
  const src = host.addresses.linkLocal()?.address ?? IPV6_ANY
  const options = isIpv6Any(src) ? {} : ownLinkLayer(host, 'sourceLinkLayer')
  sendNd(host, now, src, IPV6_ALL_ROUTERS, { kind: 'router-solicitation', options })
}

/** Sends what the listener part of MLD says, RFC 3810 §5.2: as many reports as its records need. */
export function sendMld(host: Host, out: MldOut): void {
  if (!host.settings.mld) return
  if (out.kind !== 'report') {
    const kind = out.kind === 'report-v1' ? 'report' : 'done'
    const dst = kind === 'report' ? out.group : IPV6_ALL_ROUTERS
    sendMldMessage(host, dst, MLD_V1_LEN, (b, o) => encodeMldV1(b, o, kind, out.group))
  } else sendMldReports(host, out.records)
}

function sendMldReports(host: Host, all: readonly MldRecord[]): void {
  const room = linkMtu(host) - IPV6_HEADER_LEN - ROUTER_ALERT_LEN - MLD_REPORT_LEN
  let records: MldRecord[] = []
  let length = 0
  for (const record of all) {
    const more = MLD_RECORD_LEN + 16 * record.sources.length
    if (length + more > room) {
      sendMldReport(host, records, length)
      records = []
      length = 0
    }
    records.push(record)
    length += more
  }
  sendMldReport(host, records, length)
}

function sendMldReport(host: Host, records: readonly MldRecord[], length: number): void {
  sendMldMessage(host, MLD_ROUTERS, MLD_REPORT_LEN + length, (b, o) => encodeMldReport(b, o, records))
}

function sendMldMessage(host: Host, dst: Ipv6, length: number, fill: (b: Uint8Array, o: number) => number): void {
  const src = host.addresses.linkLocal()?.address ?? IPV6_ANY
  const icmp = IPV6_HEADER_LEN + ROUTER_ALERT_LEN
  const bytes = new Uint8Array(icmp + length)
  const end = fill(bytes, icmp)
  finishIcmpv6(bytes, icmp, end, src, dst)
  encodeRouterAlert(bytes, IPV6_HEADER_LEN, PROTOCOL_ICMPV6)
  encodeIpv6Header(bytes, 0, {
    trafficClass: 0,
    flowLabel: 0,
    payloadLength: bytes.length - IPV6_HEADER_LEN,
    nextHeader: HOP_BY_HOP,
    hopLimit: MLD_HOP_LIMIT,
    src,
    dst,
  })
  transmit(host, groupMac(host, dst), { bytes, meta: undefined })
}
