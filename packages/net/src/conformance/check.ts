import { hexDump } from '@fata/bytes'

/** A device broke a rule of the contract. */
class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
}

/** Throws with `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message)
}

/** Throws unless `actual` is `expected`. */
export function same<T>(actual: T, expected: T, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${String(expected)}, got ${String(actual)}`)
}

/** Throws unless both hold the same bytes. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  const n = Math.max(actual.length, expected.length)
  for (let i = 0; i < n; i++) {
    if (actual[i] === expected[i]) continue
    const from = Math.max(0, i - 16) & ~15
    const show = (b: Uint8Array): string => hexDump(b, from, Math.min(b.length, from + 48))
    throw new ConformanceError(
      `${what}: ${actual.length} bytes for ${expected.length}, first difference at ${i}\nexpected\n${show(expected)}\ngot\n${show(actual)}`,
    )
  }
}

/** Throws unless `call` throws an error whose `code` (of ours) or `name` (of the language) is `expected`. */
export function throws(call: () => void, expected: string, what: string): void {
  let got: unknown = 'nothing'
  try {
    call()
  } catch (error) {
    const { code, name } = error as { code?: unknown; name?: unknown }
    if (code === expected || name === expected) return
    got = error
  }
  throw new ConformanceError(`${what}: expected ${expected} to be thrown, got ${String(got)}`)
}
