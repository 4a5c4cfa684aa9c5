import { concatBytes } from '@fata/bytes'

const PAD = 0
const END = 255
const OVERLOAD = 52
const OVERLOAD_LEN = 3
const LONGEST_PART = 255

/** The options of a message in their order: code and value. Values of options that came in parts are whole. */
export type OptionMap = Map<number, Uint8Array>

/** Why bytes are no options. */
export type MalformedArea = 'truncated-option' | 'no-end' | 'bad-overload'

/** Where options may stand: the options field and, with option 52, `file` and `sname` (RFC 2131 §4.1). */
interface Region {
  start: number
  end: number
}

/** What the fields behind the fixed ones hold. */
export interface OptionArea {
  readonly options: OptionMap
  /** Which of `file` (1) and `sname` (2) are in use for options. */
  readonly overload: number
}

/** Reads the options field and those that option 52 adds, in the order of RFC 3396 §5, and joins what comes in parts (§7). */
export function readArea(b: Uint8Array, options: Region, file: Region, sname: Region): OptionArea | MalformedArea {
  const parts = new Map<number, Uint8Array[]>()
  const failed = readRegion(b, options, parts)
  if (failed !== undefined) return failed
  const value = parts.get(OVERLOAD)
  parts.delete(OVERLOAD)
  if (value !== undefined && (value.length !== 1 || value[0]!.length !== 1)) return 'bad-overload'
  const overload = value?.[0]?.[0] ?? 0
  if (value !== undefined && (overload < 1 || overload > 3)) return 'bad-overload'
  const more = [...((overload & 1) !== 0 ? [file] : []), ...((overload & 2) !== 0 ? [sname] : [])]
  for (const region of more) {
    const failed = readRegion(b, region, parts)
    if (failed !== undefined) return failed
  }
  if (parts.has(OVERLOAD)) return 'bad-overload'
  const joined: OptionMap = new Map()
  for (const [code, values] of parts) joined.set(code, values.length === 1 ? values[0]! : concatBytes(values))
  return { options: joined, overload }
}

function readRegion(b: Uint8Array, { start, end }: Region, into: Map<number, Uint8Array[]>): MalformedArea | undefined {
  for (let at = start; at < end; ) {
    const code = b[at++]!
    if (code === PAD) continue
    if (code === END) return undefined
    if (at >= end || at + 1 + b[at]! > end) return 'truncated-option'
    const value = b.slice(at + 1, at + 1 + b[at]!)
    const values = into.get(code)
    if (values === undefined) into.set(code, [value])
    else values.push(value)
    at += 1 + value.length
  }
  return 'no-end'
}

/** An area that is being filled; `at` is where the next option goes, and one byte is kept for the end. */
interface Filling extends Region {
  at: number
}

/**
 * Writes the options into the options field and, where that is too small, into the spare ones of `file` and `sname`. Every byte of what is used
 * is written, the options field up to its last option only. Returns the end of the options field, or undefined where they do not fit.
 */
export function writeArea(
  b: Uint8Array,
  options: ReadonlyMap<number, Uint8Array>,
  field: Region,
  file: Region | undefined,
  sname: Region | undefined,
): number | undefined {
  const alone = [filling(field)]
  if (place(b, options, alone)) return finish(b, alone[0]!, false)
  const overloaded = filling({ start: field.start + OVERLOAD_LEN, end: field.end })
  const inFile = file && filling(file)
  const inSname = sname && filling(sname)
  const regions = [overloaded, inFile, inSname].filter((region) => region !== undefined)
  if (!place(b, options, regions)) return undefined
  const used = (region: Filling | undefined): region is Filling => region !== undefined && region.at > region.start
  b[field.start] = OVERLOAD
  b[field.start + 1] = 1
  b[field.start + 2] = (used(inFile) ? 1 : 0) | (used(inSname) ? 2 : 0)
  for (const region of [inFile, inSname]) if (used(region)) finish(b, region, true)
  return finish(b, overloaded, false)
}

function filling({ start, end }: Region): Filling {
  return { start, end, at: start }
}

function finish(b: Uint8Array, region: Filling, pad: boolean): number {
  b[region.at] = END
  if (pad) b.fill(PAD, region.at + 1, region.end)
  return region.at + 1
}

/** An option goes whole where it fits first, and only where it fits nowhere in parts over what is left (RFC 3396 §6). */
function place(b: Uint8Array, options: ReadonlyMap<number, Uint8Array>, regions: Filling[]): boolean {
  for (const [code, value] of options) {
    const whole = value.length <= LONGEST_PART && regions.find((region) => room(region) >= value.length)
    if (whole) putPart(b, whole, code, value, 0, value.length)
    else if (!placeParts(b, code, value, regions)) return false
  }
  return true
}

function placeParts(b: Uint8Array, code: number, value: Uint8Array, regions: Filling[]): boolean {
  let off = 0
  for (const region of regions) {
    while (off < value.length && room(region) > 0) {
      const size = Math.min(LONGEST_PART, room(region), value.length - off)
      putPart(b, region, code, value, off, off + size)
      off += size
    }
  }
  return off === value.length && value.length > 0
}

/** Bytes of value that one more option may have. */
function room({ at, end }: Filling): number {
  return end - at - 3
}

function putPart(b: Uint8Array, region: Filling, code: number, value: Uint8Array, off: number, end: number): void {
  b[region.at] = code
  b[region.at + 1] = end - off
  b.set(value.subarray(off, end), region.at + 2)
  region.at += 2 + end - off
}
