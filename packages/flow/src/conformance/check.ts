import { hexDump } from '@fata/bytes'

/** A flow broke a rule of the contract. */
class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
}

/** Throws with `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message)
}

/** Throws unless `actual` is `expected`. */
export function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** Throws unless both hold the same bytes. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  const n = Math.max(actual.length, expected.length)
  for (let i = 0; i < n; i++) {
    if (actual[i] === expected[i]) continue
    const from = Math.max(0, i - 16) & ~15
    const dump = (b: Uint8Array): string => hexDump(b, from, Math.min(b.length, from + 48))
    throw new ConformanceError(
      `${what}: ${actual.length} bytes for ${expected.length}, first difference at ${i}\nexpected\n${dump(expected)}\ngot\n${dump(actual)}`,
    )
  }
}

/** Throws unless `error` is an Error with a `code`; returns the code. */
export function codeOf(error: unknown, what: string): string {
  check(error instanceof Error, `${what}: expected an Error, got ${show(error)}`)
  const { code } = error as { code?: unknown }
  check(typeof code === 'string', `${what}: expected a code, got ${show(code)} in ${error}`)
  return code
}

function show(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value)
}
