import { concatBytes } from '@fata/bytes'
import { FlowError } from './errors.ts'
import type { Flow, FlowOptions } from './flow.ts'

/** What `flow.read` gives, until null: for `Symbol.asyncIterator` of implementations. */
export async function* iterateFlow(flow: Pick<Flow, 'read'>): AsyncGenerator<Uint8Array, void> {
  for (let chunk = await flow.read(); chunk !== null; chunk = await flow.read()) yield chunk
}

/** How much to read, and for how long. */
export interface ReadAllOptions extends FlowOptions {
  /** Gives up with `ERR_FLOW_TOO_LONG` when more comes than this. Default 16 MiB. */
  readonly limitBytes?: number | undefined
}

const LIMIT_BYTES = 16 * 1024 * 1024

/** All bytes up to the end. Rejects as `read`, and with `ERR_FLOW_TOO_LONG` where there are more than the limit; the flow stays open. */
export async function readAll(flow: Pick<Flow, 'read'>, options: ReadAllOptions = {}): Promise<Uint8Array> {
  const { limitBytes = LIMIT_BYTES } = options
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const chunk = await flow.read(options)
    if (chunk === null) return concatBytes(chunks)
    length += chunk.length
    if (length > limitBytes) throw new FlowError('ERR_FLOW_TOO_LONG', `the flow carries more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
}
