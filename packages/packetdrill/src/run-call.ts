import { PosixError } from '@fata/posix'
import { CALLS, type CallContext } from './calls.ts'
import { Mismatch, Unsupported } from './errors.ts'
import type { CallSpec } from './script.ts'

/** Does the call and compares what it returns. */
export async function runCall(x: CallContext, spec: CallSpec): Promise<void> {
  const call = CALLS.get(spec.name)
  if (call === undefined) throw new Unsupported(`the call ${spec.name}`)
  let result: number
  let error: PosixError | undefined
  try {
    result = await call(x, spec)
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    error = thrown
    result = -1
  }
  compare(x, spec, result, error)
}

function compare(x: CallContext, spec: CallSpec, result: number, error: PosixError | undefined): void {
  const got = error === undefined ? `${result}` : `-1 ${error.code} (${error.message})`
  if (spec.result.kind === 'ellipsis') return
  const wanted = x.evaluate.number(spec.result)
  if (wanted !== result || (spec.errno !== undefined && error?.code !== alias(spec.errno)))
    throw new Mismatch(
      `${spec.name} returned ${got} instead of ${wanted}${spec.errno === undefined ? '' : ` ${spec.errno}`}`,
    )
}

/** Names for the same number. */
function alias(name: string): string {
  return name === 'EWOULDBLOCK' ? 'EAGAIN' : name === 'ENOTSUP' ? 'EOPNOTSUPP' : name
}
