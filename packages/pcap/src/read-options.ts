import { must, type View } from './view.ts'
import { OPT_END, padded } from './wire.ts'

/** Where the value of an option is. */
export interface ReadOption {
  readonly at: number
  readonly end: number
}

/** The options at `[at..end)` by their codes; of several of one code, the first. */
export function readOptions(view: View, at: number, end: number): ReadonlyMap<number, ReadOption> {
  const options = new Map<number, ReadOption>()
  for (let o = at; o < end; ) {
    must(o + 4 <= end, 'an option without room for its header', o)
    const code = view.u16(o)
    const length = view.u16(o + 2)
    must(o + 4 + padded(length) <= end, 'an option that is longer than its block', o)
    if (code === OPT_END) {
      must(length === 0, 'an end of options with a value', o)
      must(o + 4 === end, 'bytes behind the end of options', o + 4)
      break
    }
    if (!options.has(code)) options.set(code, { at: o + 4, end: o + 4 + length })
    o += 4 + padded(length)
  }
  return options
}

/** The text of an option; undefined where there is none. */
export function textOption(view: View, option: ReadOption | undefined): string | undefined {
  if (option === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(view.bytes.subarray(option.at, option.end))
  } catch {
    must(false, 'a text that is not UTF-8', option.at)
  }
}

/** Checks that an option, where it is there, has a value of `length` bytes, and returns where it begins. */
export function fixedOption(option: ReadOption | undefined, length: number): number | undefined {
  if (option === undefined) return undefined
  must(option.end - option.at === length, `an option of ${option.end - option.at} bytes for ${length}`, option.at)
  return option.at
}
