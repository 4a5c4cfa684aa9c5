import { type IpAddress, type Ipv4, ipv6FromWords, isIpv6 } from '@fata/addr'
import { putU32 } from '@fata/bytes'
import type { CheckedFlowOptions } from '../flow-options.ts'
import { putTuple, TUPLE_WORDS } from '../tuple.ts'
import { Connection, type ConnectionId, NO_FLIGHT } from './connection.ts'
import type { Context } from './context.ts'
import { Differences } from './differences.ts'
import { createEcn } from './ecn.ts'
import { setPace } from './pace.ts'
import { rackOf } from './rack.ts'
import { tallyOf } from './tally.ts'

/**
 * A connection on which nothing happens, packed into a string of one byte per character: a sixth of the memory, and nothing is forgotten
 * but what congestion control knows beyond its window, which is out of date by then (RFC 7661 §4.4.1).
 *
 * The string begins with the tuple. Every number follows that is not what it would be without: the value of a new connection, or that of
 * another number, from which most sequence numbers and times are not far.
 */

/** Found again from elsewhere, of no meaning in a quiet connection, or looked at by `isQuiet`. */
const NOT_KEPT: ReadonlySet<string> = new Set<keyof Connection>([
  ...(['tcp', 'local', 'localPort', 'remote', 'remotePort', 'passive', 'chosen', 'slot', 'owner', 'state'] as const),
  ...(['touched', 'queue', 'flight', 'received', 'urgent', 'offload', 'congestion', 'pace', 'prr', 'timer'] as const),
  ...(['rack', 'tally', 'ecn'] as const),
])

/** What a number is near. */
const NEAR: { readonly [name: string]: keyof Connection } = {
  sndUna: 'iss',
  sndNxt: 'sndUna',
  sndEnd: 'sndUna',
  smallEnd: 'sndUna',
  sndWl2: 'sndUna',
  rttSeq: 'sndUna',
  recover: 'sndUna',
  usedSince: 'sndUna',
  dupSndNxt: 'sndUna',
  rcvNxt: 'irs',
  rcvAdv: 'rcvNxt',
  sndWl1: 'rcvNxt',
  lastAckSent: 'rcvNxt',
  finAt: 'rcvNxt',
  duplicateStart: 'rcvNxt',
  duplicateEnd: 'rcvNxt',
  maxSndWnd: 'sndWnd',
  advertisedMss: 'peerMss',
  mss: 'peerMss',
  sentAt: 'heardAt',
  tsRecentAt: 'heardAt',
  readSince: 'heardAt',
  confirmAt: 'heardAt',
  bytesAcked: 'bytesSent',
}

/** Records that hang off a connection, and how it gets them. */
const RECORDS = [
  ['rack', rackOf],
  ['tally', tallyOf],
  ['ecn', createEcn],
] as const

/** Of a congestion control, only this. */
const WINDOW = ['cwnd', 'ssthresh'] as const

/** The text begins with the number of words of the tuple, a byte with a bit for each record that is there, and the tuple. */
const WORDS_AT = 0
const FLAGS_AT = 1
const TUPLE_AT = 2
/** Beside the bits of the records. */
const PASSIVE = 0x80
const IPV4_WORDS = 3

/** An object, and those of its fields that are numbers or flags. */
interface Part {
  readonly fields: Record<string, unknown>
  readonly names: readonly string[]
}

/** Packs and unpacks the connections of one TCP. */
export class Packer {
  readonly #tcp: Context
  readonly #differences = new Differences()
  readonly #words = new Int32Array(TUPLE_WORDS)
  /** Fields of a connection, each behind the one that it is near. */
  #names: readonly string[] | undefined

  constructor(tcp: Context) {
    this.#tcp = tcp
  }

  /** Undefined where `c` is to stay as it is. */
  pack(c: Connection): string | undefined {
    if (!isQuiet(c)) return undefined
    const fresh = new Connection(this.#tcp, c, c.chosen)
    const flags = RECORDS.reduce((bits, [name], i) => bits | (c[name] === undefined ? 0 : 1 << i), 0)
    addRecords(fresh, flags)
    this.#differences.begin(this.#head(c, flags))
    const origins = this.#parts(fresh)
    let index = 0
    for (const [i, { fields, names }] of this.#parts(c).entries())
      for (const name of names)
        if (!this.#differences.put(index++, fields[name], originOf(name, fields, origins[i]!.fields))) return undefined
    return this.#differences.text()
  }

  /** The connection that `text` was made of; in no table, without an owner, on no path. */
  unpack(text: string, chosen: CheckedFlowOptions): Connection {
    const c = new Connection(this.#tcp, idOf(text), chosen)
    // Beside `enter` the only place that sets a state: this one is not entered but taken up again.
    c.state = 'ESTABLISHED'
    addRecords(c, text.charCodeAt(FLAGS_AT))
    this.#differences.open(text, TUPLE_AT + 4 * text.charCodeAt(WORDS_AT))
    let index = 0
    for (const { fields, names } of this.#parts(c))
      for (const name of names) fields[name] = this.#differences.take(index++, originOf(name, fields, fields))
    this.#differences.close()
    setPace(c)
    return c
  }

  #head(c: Connection, flags: number): Uint8Array {
    const count = putTuple(this.#words, c.local, c.localPort, c.remote, c.remotePort)
    const head = new Uint8Array(TUPLE_AT + 4 * count)
    head[WORDS_AT] = count
    head[FLAGS_AT] = flags | (c.passive ? PASSIVE : 0)
    for (let i = 0; i < count; i++) putU32(head, TUPLE_AT + 4 * i, this.#words[i]! >>> 0)
    return head
  }

  #parts(c: Connection): Part[] {
    this.#names ??= inOrder(Object.keys(c).filter((name) => !NOT_KEPT.has(name)))
    const parts: Part[] = [
      { fields: c as unknown as Part['fields'], names: this.#names },
      { fields: c.congestion as unknown as Part['fields'], names: WINDOW },
    ]
    for (const [name] of RECORDS) {
      const record = c[name]
      if (record !== undefined) parts.push({ fields: record as unknown as Part['fields'], names: Object.keys(record) })
    }
    return parts
  }
}

/** Nothing is under way in either direction, and nobody waits for anything but the peer. */
function isQuiet(c: Connection): boolean {
  const idle = !c.touched && c.needs === 0 && c.events === 0 && c.queue === undefined && c.flight === NO_FLIGHT
  const read = (c.received?.length ?? 0) === 0 && (c.urgent === undefined || !(c.urgent.in || c.urgent.out))
  const acked = c.sndUna === c.sndEnd && c.lastAckSent === c.rcvNxt
  // What a zone is called is no number.
  const zoned = isIpv6(c.remote) && (c.remote.zone !== '' || (c.local as { zone?: string }).zone !== '')
  return c.state === 'ESTABLISHED' && idle && read && acked && !zoned
}

function addRecords(c: Connection, flags: number): void {
  for (const [i, [, create]] of RECORDS.entries()) if ((flags & (1 << i)) !== 0) create(c)
}

/** What the number `name` of `fields` is without further word; `fresh` has the fields of a new connection. */
function originOf(name: string, fields: Part['fields'], fresh: Part['fields']): unknown {
  const near = NEAR[name]
  return near === undefined ? fresh[name] : fields[near]
}

/** `names`, each behind the one that it is near. */
function inOrder(names: readonly string[]): readonly string[] {
  const depth = (name: string): number => (NEAR[name] === undefined ? 0 : 1 + depth(NEAR[name]))
  return [...names].sort((a, b) => depth(a) - depth(b))
}

/** Word `i` of the tuple of a packed connection, signed. */
function wordOf(text: string, i: number): number {
  const at = TUPLE_AT + 4 * i
  const high = (text.charCodeAt(at) << 24) | (text.charCodeAt(at + 1) << 16)
  return high | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3)
}

/** Is it that of the tuple whose words these are? */
export function hasTuple(text: string, words: Int32Array, count: number): boolean {
  if (text.charCodeAt(WORDS_AT) !== count) return false
  for (let i = 0; i < count; i++) if (wordOf(text, i) !== words[i]) return false
  return true
}

/** Which connection was packed. */
export function idOf(text: string): ConnectionId {
  const count = text.charCodeAt(WORDS_AT)
  const address = (at: number): IpAddress =>
    count === IPV4_WORDS
      ? ((wordOf(text, at) >>> 0) as Ipv4)
      : ipv6FromWords(wordOf(text, at), wordOf(text, at + 1), wordOf(text, at + 2), wordOf(text, at + 3))
  const ports = wordOf(text, count - 1)
  return {
    local: address(0),
    localPort: ports >>> 16,
    remote: address((count - 1) / 2),
    remotePort: ports & 0xffff,
    passive: (text.charCodeAt(FLAGS_AT) & PASSIVE) !== 0,
  }
}
