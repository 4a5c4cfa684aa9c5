import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '@fata/tcp/wire'
import type { TokenReader } from './lexer.ts'
import { parseTcpOptions } from './parse-options.ts'
import type { IcmpSpec, IpSpec, PacketSpec, Ports, TcpSpec, UdpSpec } from './script.ts'

/** The letters of flags. */
export const FLAG_LETTERS: Readonly<Record<string, number>> = {
  F: FIN,
  S: SYN,
  R: RST,
  P: PSH,
  '.': ACK,
  E: ECE,
  W: CWR,
  U: URG,
  A: 0x100,
  C: CWR,
}

const ECN_NAMES: Readonly<Record<string, number>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 }
const MAX_U16 = 0xffff
const MAX_U32 = 0xffffffff

/** From `<` or `>` on. */
export function parsePacket(r: TokenReader): PacketSpec {
  const inbound = r.accept('<')
  if (!inbound) r.expect('>')
  const around: string[] = []
  while (isEncapsulation(r)) around.push(skipEncapsulation(r))
  const ip = parseIp(r)
  if (ip.ecn === 'ect01' && inbound) r.fail('ect01 is for outbound packets')
  return { inbound, ip, around, body: parseBody(r, inbound) }
}

function isEncapsulation(r: TokenReader): boolean {
  return ['ipv4', 'ipv6', 'gre', 'GREv0', 'mpls', 'psp'].some((name) => r.is(name))
}

/** Everything up to the colon that ends the header; addresses may hold colons of their own. */
function skipEncapsulation(r: TokenReader): string {
  const name = r.next().text
  while (!r.is(':')) {
    if (r.isType('end')) r.fail(`the header '${name}' does not end`)
    r.next()
  }
  r.next()
  return name
}

/** `(ect0)`, `[ce]`, `(tos 0x20)`, `(ttl 64)`, `(flowlabel 0x1)`, and several of them with commas. */
function parseIp(r: TokenReader): IpSpec {
  const ip: { -readonly [K in keyof IpSpec]: IpSpec[K] } = {
    ecn: undefined,
    tos: undefined,
    ttl: undefined,
    flowLabel: undefined,
  }
  const close = r.is('(') ? ')' : r.is('[') && r.isType('word', 1) && !r.is('udp', 1) ? ']' : undefined
  if (close === undefined) return ip
  r.next()
  do {
    const word = r.next().text
    if (word in ECN_NAMES) ip.ecn = ECN_NAMES[word]!
    else if (word === 'ect01') ip.ecn = 'ect01'
    else if (word === 'tos') ip.tos = r.integer(0, 255)
    else if (word === 'ttl') ip.ttl = r.integer(0, 255)
    else if (word === 'flowlabel') ip.flowLabel = r.integer(0, 0xfffff)
    else r.fail(`'${word}' says nothing of an IP header`)
  } while (r.accept(','))
  r.expect(close)
  return ip
}

function parseBody(r: TokenReader, inbound: boolean): TcpSpec | UdpSpec | IcmpSpec {
  // A dialect writes what an ICMP message quotes before it.
  if (r.is('[')) {
    const echoed = parseEchoed(r)
    if (!r.is('icmp') && !r.is('icmpv6')) r.fail("expected 'icmp'")
    return { ...parseIcmp(r), echoed }
  }
  if (r.accept('udp')) return parseUdp(r)
  if (r.is('icmp') || r.is('icmpv6')) return parseIcmp(r)
  return parseTcp(r, inbound)
}

/** `5000 > 80` */
function parsePorts(r: TokenReader): Ports | undefined {
  if (!r.isType('integer') || !r.is('>', 1)) return undefined
  const src = r.integer(0, MAX_U16)
  r.expect('>')
  return { src, dst: r.integer(0, MAX_U16) }
}

function parseUdp(r: TokenReader): UdpSpec {
  const ports = parsePorts(r)
  r.expect('(')
  const length = r.integer(0, MAX_U16)
  r.expect(')')
  return { kind: 'udp', ports, length }
}

function parseIcmp(r: TokenReader): IcmpSpec {
  r.next()
  const type = r.take('word')
  const code = r.isType('word') && !r.is('mtu') && !r.is('id') ? r.next().text : undefined
  const mtu = r.accept('mtu') ? r.integer(0, MAX_U32) : undefined
  const id = r.accept('id') ? r.integer(0, MAX_U16) : undefined
  return { kind: 'icmp', type, code, mtu, id, echoed: parseEchoed(r) }
}

function parseEchoed(r: TokenReader): IcmpSpec['echoed'] {
  if (!r.accept('[')) return undefined
  const name = r.is('udp') ? 'udp' : r.is('raw') ? 'raw' : 'tcp'
  let echoed: IcmpSpec['echoed']
  if (name === 'tcp') {
    echoed = { kind: 'tcp', ...parseSequence(r) }
  } else {
    r.next()
    r.expect('(')
    echoed = { kind: name, length: r.integer(0, MAX_U16) }
    r.expect(')')
  }
  r.expect(']')
  return echoed
}

/** `1:1001(1000)` */
function parseSequence(r: TokenReader): { seq: number; length: number } {
  const seq = r.integer(0, MAX_U32)
  r.expect(':')
  const end = r.integer(0, MAX_U32)
  r.expect('(')
  const length = r.integer(0, MAX_U16)
  if ((seq + length) % 2 ** 32 !== end) r.fail('sequence numbers and length contradict each other')
  r.expect(')')
  return { seq, length }
}

function parseTcp(r: TokenReader, inbound: boolean): TcpSpec {
  const ports = parsePorts(r)
  const { flags, ace } = parseFlags(r)
  const { seq, length } = parseSequence(r)
  const ack = r.accept('ack') ? r.integer(0, MAX_U32) : 0
  const window = r.accept('win') ? r.integer(0, MAX_U16) : undefined
  const urgent = r.accept('urg') ? r.integer(0, MAX_U16) : 0
  const options = parseTcpOptions(r)
  if (options === undefined && inbound) r.fail('<...> is for outbound packets')
  if (r.is('{')) skipMutation(r)
  return { kind: 'tcp', ports, flags, ace, seq, length, ack, window, urgent, options }
}

/** `S.`, `FP.`, `-`, and with the counter of Accurate ECN as a digit `S.5`, `.3`. */
function parseFlags(r: TokenReader): { flags: number; ace: number | undefined } {
  if (r.accept('-')) return { flags: 0, ace: undefined }
  let letters = r.isType('word') ? r.next().text : ''
  let ace: number | undefined
  if (r.isType('float')) {
    ace = Number(r.next().text.slice(1))
    if (!(ace <= 7)) r.fail('the counter of Accurate ECN is 0..7')
    letters += '.'
  } else if (r.accept('.')) {
    letters += '.'
  }
  let flags = 0
  for (const letter of letters) {
    const flag = FLAG_LETTERS[letter]
    if (flag === undefined) r.fail(`'${letter}' is no flag`)
    flags |= flag
  }
  if (letters === '') r.fail('expected flags')
  return { flags, ace }
}

/** `{ mut tcp mss }`: what a fuzzer is to do, which is not our business. */
function skipMutation(r: TokenReader): void {
  while (!r.accept('}')) {
    if (r.isType('end')) r.fail("expected '}'")
    r.next()
  }
}
