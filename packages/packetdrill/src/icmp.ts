import { isIpv4 } from '@fata/addr'
import { putU16, putU32 } from '@fata/bytes'
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import { Unsupported } from './errors.ts'
import type { IcmpSpec } from './script.ts'
import type { ScriptSocket } from './script-socket.ts'
import { seqAddU } from './sequence.ts'
import { type Addresses, writeHeader } from './wire.ts'

const V4_CODES: Readonly<Record<string, number>> = {
  net_unreachable: 0,
  host_unreachable: 1,
  protocol_unreachable: 2,
  port_unreachable: 3,
  frag_needed: 4,
  source_route_failed: 5,
  net_unknown: 6,
  host_unknown: 7,
  source_host_isolated: 8,
  net_prohibited: 9,
  host_prohibited: 10,
  net_unreachable_for_tos: 11,
  host_unreachable_for_tos: 12,
  administratively_prohibited: 13,
  communication_prohibited: 13,
  precedence_violation: 14,
  precedence_cutoff: 15,
}
const V6_CODES: Readonly<Record<string, number>> = {
  no_route: 0,
  communication_prohibited: 1,
  not_neighbour: 2,
  address_unreachable: 3,
  port_unreachable: 4,
}
const V4_TYPES: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
}
const V6_TYPES: Readonly<Record<string, number>> = {
  unreachable: 1,
  packet_too_big: 2,
  time_exceeded: 3,
  parameter_problem: 4,
  echo_request: 128,
  echo_reply: 129,
}
const SUB_CODES: Readonly<Record<string, number>> = {
  exceeded_in_transit: 0,
  exceeded_reassembly: 1,
  ttl_exceeded: 0,
  frag_reassembly: 1,
  hop_limit: 0,
  header_field: 0,
  next_header: 1,
  unrecognized_option: 2,
}
const HEADER = 8
const QUOTED_TTL = 64

/** An ICMP message: its type and code, what it says of the MTU, and the packet that it quotes. */
export function buildIcmp(spec: IcmpSpec, a: Addresses, socket: ScriptSocket): { protocol: number; bytes: Uint8Array } {
  const v4 = isIpv4(a.src)
  const type = (v4 ? V4_TYPES : V6_TYPES)[spec.type]
  if (type === undefined) throw new Unsupported(`ICMP type ${spec.type} in ${v4 ? 'IPv4' : 'IPv6'}`)
  const quote = spec.echoed === undefined ? new Uint8Array(0) : quoted(spec.echoed, { src: a.dst, dst: a.src }, socket)
  const bytes = new Uint8Array(HEADER + quote.length)
  bytes[0] = type
  bytes[1] = codeOf(spec.code, v4)
  if (spec.id !== undefined) putU16(bytes, 4, spec.id)
  if (spec.mtu !== undefined) putU32(bytes, 4, v4 ? spec.mtu & 0xffff : spec.mtu)
  bytes.set(quote, HEADER)
  return { protocol: v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, bytes }
}

function codeOf(name: string | undefined, v4: boolean): number {
  if (name === undefined) return 0
  const code = (v4 ? V4_CODES : V6_CODES)[name] ?? SUB_CODES[name]
  if (code === undefined) throw new Unsupported(`ICMP code ${name} in ${v4 ? 'IPv4' : 'IPv6'}`)
  return code
}

/** IP header and eight bytes of the packet that the stack is told of. */
function quoted(echoed: NonNullable<IcmpSpec['echoed']>, a: Addresses, socket: ScriptSocket): Uint8Array {
  const head = new Uint8Array(HEADER)
  putU16(head, 0, socket.localPort)
  putU16(head, 2, socket.remotePort)
  if (echoed.kind === 'tcp') putU32(head, 4, seqAddU(echoed.seq, socket.liveLocalIsn))
  else putU16(head, 4, HEADER + echoed.length)
  const isTcp = echoed.kind === 'tcp'
  const length = (isTcp ? 20 : HEADER) + echoed.length
  const header = writeHeader(a, isTcp ? PROTOCOL_TCP : PROTOCOL_UDP, length, 0, QUOTED_TTL)
  const bytes = new Uint8Array(header.length + HEADER)
  bytes.set(header)
  bytes.set(head, header.length)
  return bytes
}
