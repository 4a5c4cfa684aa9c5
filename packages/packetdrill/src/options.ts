import { putU32, u16, u32 } from '@fata/bytes'
import type { TcpOptionSpec } from './script.ts'

const FAST_OPEN_MAGIC = 0xf989

function hexBytes(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16))
}

function toHex(b: Uint8Array): string {
  return Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function words(numbers: readonly number[]): number[] {
  const b = new Uint8Array(4 * numbers.length)
  for (const [i, n] of numbers.entries()) putU32(b, 4 * i, n)
  return [...b]
}

function withLength(kind: number, body: readonly number[]): number[] {
  return [kind, body.length + 2, ...body]
}

/** One option as bytes. */
function encodeOption(o: TcpOptionSpec): number[] {
  switch (o.kind) {
    case 'nop':
      return [1]
    case 'eol':
      return [0]
    case 'sackOK':
      return [4, 2]
    case 'mss':
      return [2, 4, o.value >>> 8, o.value & 255]
    case 'wscale':
      return [3, 3, o.value]
    case 'sack':
      return withLength(5, words(o.blocks.flat()))
    case 'TS':
      return withLength(8, words([o.val, o.ecr]))
    case 'FO':
      return withLength(34, hexBytes(o.hex))
    case 'FOEXP':
      return withLength(254, [FAST_OPEN_MAGIC >>> 8, FAST_OPEN_MAGIC & 255, ...hexBytes(o.hex)])
    case 'md5':
      return withLength(19, hexBytes(o.hex))
    case 'accecn':
      return withLength(
        o.number,
        o.counters.flatMap((n) => [n >>> 16, (n >>> 8) & 255, n & 255]),
      )
    default:
      return o satisfies never
  }
}

/** A list of options as bytes, filled up to whole words. */
export function encodeOptions(options: readonly TcpOptionSpec[]): Uint8Array {
  const bytes = options.flatMap(encodeOption)
  while (bytes.length % 4 !== 0) bytes.push(0)
  return Uint8Array.from(bytes)
}

/** What a list of options says, every byte of it; an option that is not known as its kind and bytes. */
export function decodeOptions(b: Uint8Array): (TcpOptionSpec | { readonly kind: 'unknown'; readonly hex: string })[] {
  const options: (TcpOptionSpec | { readonly kind: 'unknown'; readonly hex: string })[] = []
  for (let i = 0; i < b.length; ) {
    const kind = b[i]!
    if (kind === 0 || kind === 1) {
      options.push({ kind: kind === 0 ? 'eol' : 'nop' })
      i++
      continue
    }
    const length = Math.max(2, b[i + 1] ?? 2)
    options.push(decodeOption(b.subarray(i, i + length)))
    i += length
  }
  return options
}

function decodeOption(b: Uint8Array): TcpOptionSpec | { readonly kind: 'unknown'; readonly hex: string } {
  switch (b[0]) {
    case 2:
      return { kind: 'mss', value: u16(b, 2) }
    case 3:
      return { kind: 'wscale', value: b[2]! }
    case 4:
      return { kind: 'sackOK' }
    case 5:
      return { kind: 'sack', blocks: decodeBlocks(b) }
    case 8:
      return { kind: 'TS', val: u32(b, 2) >>> 0, ecr: u32(b, 6) >>> 0 }
    case 19:
      return { kind: 'md5', hex: toHex(b.subarray(2)) }
    case 34:
      return { kind: 'FO', hex: toHex(b.subarray(2)) }
    case 172:
    case 174:
      return { kind: 'accecn', number: b[0], counters: decodeCounters(b) }
    case 254:
      if (b.length >= 4 && u16(b, 2) === FAST_OPEN_MAGIC) return { kind: 'FOEXP', hex: toHex(b.subarray(4)) }
      break
    default:
  }
  return { kind: 'unknown', hex: toHex(b) }
}

function decodeBlocks(b: Uint8Array): [number, number][] {
  const blocks: [number, number][] = []
  for (let i = 2; i + 8 <= b.length; i += 8) blocks.push([u32(b, i) >>> 0, u32(b, i + 4) >>> 0])
  return blocks
}

function decodeCounters(b: Uint8Array): number[] {
  const counters: number[] = []
  for (let i = 2; i + 3 <= b.length; i += 3) counters.push((b[i]! << 16) | u16(b, i + 1))
  return counters
}

/** An option as scripts write it. */
export function formatOption(o: TcpOptionSpec | { readonly kind: 'unknown'; readonly hex: string }): string {
  switch (o.kind) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return o.kind
    case 'mss':
    case 'wscale':
      return `${o.kind} ${o.value}`
    case 'sack':
      return `sack ${o.blocks.map(([left, right]) => `${left}:${right}`).join(' ')}`
    case 'TS':
      return `TS val ${o.val} ecr ${o.ecr}`
    case 'FO':
    case 'FOEXP':
    case 'md5':
    case 'unknown':
      return `${o.kind} ${o.hex}`.trim()
    case 'accecn': {
      const names = o.number === 172 ? ['e0b', 'ceb', 'e1b'] : ['e1b', 'ceb', 'e0b']
      return `ECN ${o.counters.map((n, i) => `${names[i]} ${n}`).join(' ')}`.trim()
    }
    default:
      return o satisfies never
  }
}
