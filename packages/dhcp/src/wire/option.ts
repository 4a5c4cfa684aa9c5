import { assert } from '@fata/bytes'
import type { OptionMap } from './option-area.ts'

/** One kind of option: its code (RFC 2132) and what its bytes mean. */
export interface DhcpOption<T> {
  readonly code: number
  /** Undefined where the bytes are no such value. Keeps no reference to them. */
  decode(bytes: Uint8Array): T | undefined
  /** Throws a TypeError or RangeError where the option cannot carry the value. */
  encode(value: T): Uint8Array
}

/** The value of an option; undefined where it is absent or no value of its kind. */
export function getOption<T>(options: ReadonlyMap<number, Uint8Array>, option: DhcpOption<T>): T | undefined {
  const bytes = options.get(option.code)
  return bytes === undefined ? undefined : option.decode(bytes)
}

/** Sets an option, or leaves `options` as they are where `value` is undefined. Throws as `encode` of the option. */
export function setOption<T>(options: OptionMap, option: DhcpOption<T>, value: T | undefined): void {
  if (value === undefined) return
  assert(option.code > 0 && option.code < 255, 'pad and end are no options')
  options.set(option.code, option.encode(value))
}
