import { KvError, type KvErrorCode } from '@fata/kv'

/**
 * Why an endpoint did not do what it was asked.
 *
 * - `refused`: for good; nothing happened.
 * - `unsent`: nothing happened, another endpoint or another moment may do.
 * - `token`: nothing happened, the token is not valid any more.
 * - `compacted`: nothing happened, the revision that was asked for is gone.
 * - `lost`: nobody knows whether it happened.
 */
export interface Failure {
  readonly fate: 'refused' | 'unsent' | 'token' | 'compacted' | 'lost'
  readonly code: KvErrorCode
  readonly message: string
  readonly cause?: unknown
}

/** The state at a revision that etcd has forgotten was asked for. */
export class Compacted extends Error {}

/** Codes of connections that were never made; undici's first, then those of the system. */
const UNCONNECTED = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
])

/** What became of a request when `fetch` rejected. */
export function failureOfFetch(error: unknown): Failure {
  const fate = connectionCodes(error).some((code) => UNCONNECTED.has(code) || /CERT|VERIFY/.test(code))
    ? 'unsent'
    : 'lost'
  return { fate, code: 'KV_IO', message: 'etcd does not answer', cause: error }
}

/** Of the error, of its causes, and of the attempts of a dual-stack connection. */
function connectionCodes(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 4) return []
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown }
  const own = typeof code === 'string' ? [code] : []
  const inner = Array.isArray(errors) ? errors.flatMap((each) => connectionCodes(each, depth + 1)) : []
  return [...own, ...connectionCodes(cause, depth + 1), ...inner]
}

/** gRPC's status codes, as far as they tell what happened. */
const INVALID_ARGUMENT = 3
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const OUT_OF_RANGE = 11
const UNIMPLEMENTED = 12
const UNAUTHENTICATED = 16

/** What an answer that is no success says. */
export function failureOfAnswer(status: number, body: string): Failure {
  const error = statusOf(body)
  if (!error) {
    const fate = status >= 500 ? 'lost' : 'refused'
    return {
      fate,
      code: 'KV_IO',
      message: `this is no etcd v3 gateway (HTTP ${status})`,
      cause: new Error(`HTTP ${status}`),
    }
  }
  const { code, message } = error
  const failure = (fate: Failure['fate'], kv: KvErrorCode = 'KV_IO'): Failure => {
    return { fate, code: kv, message: `etcd: ${message}`, cause: new Error(message) }
  }
  switch (code) {
    case INVALID_ARGUMENT:
      if (/too large|too many operations/.test(message)) return failure('refused', 'KV_TOO_LARGE')
      return failure(/revision in header is old|user name is empty/.test(message) ? 'token' : 'refused')
    case RESOURCE_EXHAUSTED:
      if (/space exceeded/.test(message)) return failure('refused', 'KV_NO_SPACE')
      return /too many requests/.test(message) ? failure('unsent') : failure('refused', 'KV_TOO_LARGE')
    case OUT_OF_RANGE:
      return failure(/compacted/.test(message) ? 'compacted' : 'refused')
    case UNAUTHENTICATED:
      return failure('token')
    case PERMISSION_DENIED:
    case FAILED_PRECONDITION:
    case UNIMPLEMENTED:
      return failure('refused')
    default:
      return failure(message.includes('raft proposal dropped') ? 'unsent' : 'lost')
  }
}

function statusOf(body: string): { code: number; message: string } | undefined {
  try {
    const { code, message, error } = JSON.parse(body) as { code?: unknown; message?: unknown; error?: unknown }
    const text = typeof message === 'string' ? message : error
    return typeof code === 'number' && typeof text === 'string' ? { code, message: text } : undefined
  } catch {
    return undefined
  }
}

export function toError(
  { fate, code, message, cause }: Failure,
  detail: ConstructorParameters<typeof KvError>[1] = {},
): Error {
  return fate === 'compacted' ? new Compacted(message) : new KvError(code, { ...detail, message, cause })
}
