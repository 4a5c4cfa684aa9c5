import { putU16, u16 } from '@fata/bytes'
import type { DhcpOption } from './option.ts'

const HEADER_LEN = 4

/** An option as it stands in a message or in another option (RFC 8415 §21.1). */
export interface V6Option {
  readonly code: number
  readonly value: Uint8Array
}

/** The options at `b[start..end)`; undefined where they do not end there. */
export function readOptionList(b: Uint8Array, start: number, end: number): readonly V6Option[] | undefined {
  const list: V6Option[] = []
  for (let at = start; at < end; ) {
    if (at + HEADER_LEN > end) return undefined
    const next = at + HEADER_LEN + u16(b, at + 2)
    if (next > end) return undefined
    list.push({ code: u16(b, at), value: b.slice(at + HEADER_LEN, next) })
    at = next
  }
  return list
}

export function writeOptionList(list: readonly V6Option[]): Uint8Array {
  const b = new Uint8Array(list.reduce((length, { value }) => length + HEADER_LEN + value.length, 0))
  let at = 0
  for (const { code, value } of list) {
    putU16(b, at, code)
    putU16(b, at + 2, value.length)
    b.set(value, at + HEADER_LEN)
    at += HEADER_LEN + value.length
  }
  return b
}

/** The value of the first option of its kind; undefined where there is none, or it is no such value. */
export function getV6Option<T>(list: readonly V6Option[], option: DhcpOption<T>): T | undefined {
  const found = list.find(({ code }) => code === option.code)
  return found && option.decode(found.value)
}

/** An option with its value. Throws as `encode` of the option. */
export function v6Option<T>(option: DhcpOption<T>, value: T): V6Option {
  return { code: option.code, value: option.encode(value) }
}
