import { errorCode, type KvErrorCode } from '../codes.ts'
import type { Key } from '../key.ts'
import { equalBytes } from '../partial.ts'

// Own, since node:assert is not in browsers, where stores live too.

export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

/** Structural equality of plain data and byte arrays. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array && equalBytes(actual, expected)) return
  const [got, wanted] = [show(actual), show(expected)]
  if (got !== wanted) throw new Error(`${what}: expected ${brief(wanted)}, got ${brief(got)}`)
}

/** Asserts that the operation rejects with the code and, where given, names the key. Returns the error. */
export async function fails(code: KvErrorCode, operation: Promise<unknown>, key?: Key | string): Promise<Error> {
  const error = await rejection(operation, code)
  ok(error instanceof Error, `expected an Error with code ${code}, got ${show(error)}`)
  ok(errorCode(error) === code, `expected ${code}, got ${String((error as { code?: unknown }).code)}: ${error.message}`)
  ok(error.name === 'KvError', `expected a KvError, got ${error.name}`)
  if (key !== undefined) equal(String((error as { key?: unknown }).key), String(key), `the key of ${code}`)
  return error
}

/** Asserts that the operation rejects and returns with what. */
export async function rejection(operation: Promise<unknown>, what: string): Promise<unknown> {
  let result: unknown
  try {
    result = await operation
  } catch (error) {
    return error
  }
  throw new Error(`expected a rejection (${what}), got ${brief(show(result))}`)
}

/** Asserts that the function throws with the code. */
export function throws(code: KvErrorCode, fn: () => unknown, what: string): void {
  try {
    fn()
  } catch (error) {
    ok(errorCode(error) === code, `${what}: expected ${code}, got ${String(error)}`)
    return
  }
  throw new Error(`${what}: expected ${code}, nothing was thrown`)
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length)
  let x = seed >>> 0
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    out[i] = x >>> 24
  }
  return out
}

/** Looks again and again until the operation has settled, and rejects as it does. */
export async function during(operation: Promise<unknown>, look: () => Promise<void>): Promise<void> {
  let done = false
  const settled = () => {
    done = true
  }
  operation.then(settled, settled)
  while (!done) {
    await look()
    await turn()
  }
  await operation
}

/** A turn of the event loop: a loop over reads that are answered at once would keep all I/O waiting. */
function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes ${Array.from(value).join(' ')}`
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    return `{${entries.map(([k, v]) => `${k}: ${show(v)}`).join(', ')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function brief(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}...` : text
}
