import type { IpAddress } from '@fata/addr'
import { checksum, putU16 } from '@fata/bytes'
import { PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { ACK, CWR, decode, ECE, encode, FIN, HEADER_LEN, PSH, RST, SYN, URG } from '../../src/wire.ts'
import {
  createOptionValues,
  parseOptions,
  putAlignedTimestamps,
  putSack,
  putSynOptions,
} from '../../src/wire-options.ts'

/** A segment in a packet script. Sequence numbers count from the initial ones of their side. */
export interface Seg {
  readonly syn?: boolean
  readonly fin?: boolean
  readonly rst?: boolean
  readonly psh?: boolean
  readonly ece?: boolean
  readonly cwr?: boolean
  /** The urgent pointer; sets the flag. */
  readonly urg?: number
  readonly seq?: number
  /** Sets the flag. */
  readonly ack?: number
  /** As it stands in the header, not scaled. */
  readonly window?: number
  /** Text; as a number: so many bytes of `text`. */
  readonly data?: string | number
  readonly mss?: number
  readonly windowScale?: number
  readonly sackPermitted?: boolean
  /** [TSval, TSecr] */
  readonly ts?: readonly [number, number]
  readonly sack?: readonly (readonly [number, number])[]
  /** A fast open cookie as text; '' asks for one. */
  readonly fastOpen?: string
  /** Options as bytes, instead of the above. */
  readonly options?: Uint8Array
}

/** A segment that was seen, with everything said. */
export interface SeenSeg {
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly psh: boolean
  readonly ece: boolean
  readonly cwr: boolean
  readonly urg: number | undefined
  readonly seq: number
  readonly ack: number | undefined
  readonly window: number
  readonly data: string
  readonly length: number
  readonly mss: number | undefined
  readonly windowScale: number | undefined
  readonly sackPermitted: boolean
  readonly ts: readonly [number, number] | undefined
  readonly sack: readonly (readonly [number, number])[] | undefined
  readonly fastOpen: string | undefined
}

/** What connects absolute numbers with those of scripts. */
export interface Numbers {
  /** Of who sends the segment, and of who gets it. */
  readonly senderIss: number
  readonly receiverIss: number
}

/** `n` bytes that differ from place to place. */
export function text(n: number, from = 0): string {
  let s = ''
  for (let i = from; i < from + n; i++) s += String.fromCharCode(97 + ((i * 7 + Math.floor(i / 26)) % 26))
  return s
}

const latin1 = new TextDecoder('latin1')

export function bytesOf(s: string): Uint8Array {
  return Uint8Array.from(s, (ch) => ch.charCodeAt(0))
}

export function textOf(b: Uint8Array): string {
  return latin1.decode(b)
}

function putOptions(s: Seg, b: Uint8Array, o: number): number {
  if (s.options !== undefined) {
    b.set(s.options, o)
    return s.options.length
  }
  if (s.syn === true) {
    if (
      s.fastOpen === undefined &&
      s.mss === undefined &&
      s.windowScale === undefined &&
      s.ts === undefined &&
      s.sackPermitted !== true
    )
      return 0
    return putSynOptions(b, o, {
      mss: s.mss ?? 1460,
      windowScale: s.windowScale ?? -1,
      sackPermitted: s.sackPermitted ?? false,
      timestamps: s.ts !== undefined,
      tsVal: s.ts?.[0] ?? 0,
      tsEcr: s.ts?.[1] ?? 0,
      fastOpen: s.fastOpen === undefined ? undefined : bytesOf(s.fastOpen),
    })
  }
  const at = s.ts === undefined ? 0 : putAlignedTimestamps(b, o, s.ts[0], s.ts[1])
  return at + (s.sack === undefined ? 0 : putSack(b, o + at, Int32Array.from(s.sack.flat()), s.sack.length))
}

/** The bytes of a segment with a right checksum. */
export function build(
  s: Seg,
  from: { address: IpAddress; port: number },
  to: { address: IpAddress; port: number },
  n: Numbers,
): Uint8Array {
  const data = bytesOf(typeof s.data === 'number' ? text(s.data) : (s.data ?? ''))
  const b = new Uint8Array(60 + data.length)
  const mapped: Seg =
    s.sack === undefined
      ? s
      : { ...s, sack: s.sack.map(([l, r]) => [(l + n.receiverIss) | 0, (r + n.receiverIss) | 0] as const) }
  const optionsLen = putOptions(mapped, b, HEADER_LEN)
  const headerLen = HEADER_LEN + optionsLen
  encode(b, 0, {
    srcPort: from.port,
    dstPort: to.port,
    seq: ((s.seq ?? 0) + n.senderIss) | 0,
    ack: s.ack === undefined ? 0 : (s.ack + n.receiverIss) | 0,
    headerLen,
    flags:
      (s.syn === true ? SYN : 0) |
      (s.fin === true ? FIN : 0) |
      (s.rst === true ? RST : 0) |
      (s.psh === true ? PSH : 0) |
      (s.ece === true ? ECE : 0) |
      (s.cwr === true ? CWR : 0) |
      (s.urg !== undefined ? URG : 0) |
      (s.ack !== undefined ? ACK : 0),
    window: s.window ?? 65535,
    checksum: 0,
    urgent: s.urg ?? 0,
  })
  b.set(data, headerLen)
  const bytes = b.subarray(0, headerLen + data.length)
  putU16(
    bytes,
    16,
    checksum(bytes, 0, bytes.length, pseudoHeaderSum(from.address, to.address, PROTOCOL_TCP, bytes.length)),
  )
  return bytes
}

/** Reads a segment that was sent. */
export function see(b: Uint8Array, n: Numbers): SeenSeg {
  const h = decode(b, 0, b.length)
  if (typeof h === 'string') throw new Error(`sent nonsense: ${h}`)
  const v = createOptionValues()
  if (!parseOptions(b, HEADER_LEN, h.headerLen, v)) throw new Error('sent bad options')
  const sack = Array.from({ length: v.sackCount }, (_, i) => {
    const edge = (k: number): number => ((v.sackEdges[k]! - n.receiverIss) | 0) as number
    return [edge(2 * i), edge(2 * i + 1)] as const
  })
  const data = b.subarray(h.headerLen)
  return {
    syn: (h.flags & SYN) !== 0,
    fin: (h.flags & FIN) !== 0,
    rst: (h.flags & RST) !== 0,
    psh: (h.flags & PSH) !== 0,
    ece: (h.flags & ECE) !== 0,
    cwr: (h.flags & CWR) !== 0,
    urg: (h.flags & URG) !== 0 ? h.urgent : undefined,
    seq: (h.seq - n.senderIss) | 0,
    ack: (h.flags & ACK) !== 0 ? (h.ack - n.receiverIss) | 0 : undefined,
    window: h.window,
    data: textOf(data),
    length: data.length,
    mss: v.mss === 0 ? undefined : v.mss,
    windowScale: v.windowScale < 0 ? undefined : v.windowScale,
    sackPermitted: v.sackPermitted,
    ts: v.hasTimestamps ? [v.tsVal, v.tsEcr] : undefined,
    sack: v.sackCount === 0 ? undefined : sack,
    fastOpen: v.fastOpen < 0 ? undefined : textOf(v.fastOpenCookie.subarray(0, v.fastOpen)),
  }
}
