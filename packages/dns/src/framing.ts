import { putU16, u16 } from '@fata/bytes'
import type { Flow } from '@fata/flow'
import { encode } from './wire/message.ts'
import type { Message } from './wire/types.ts'

const LENGTH_LEN = 2
const MAX_QUERY = 512

/** The wire form of a query. */
export function encodeQuery(query: Message): Uint8Array {
  const buf = new Uint8Array(MAX_QUERY)
  return buf.subarray(0, encode(buf, 0, buf.length, query))
}

/** Length and message together, as RFC 7766 §8 wants them sent. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_LEN + message.length)
  putU16(framed, 0, message.length)
  framed.set(message, LENGTH_LEN)
  return framed
}

/** The next message of a stream, however it is cut; undefined where the stream ends before. What follows the message is lost. */
export async function readFrame(flow: Pick<Flow, 'read'>, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const length = new Uint8Array(LENGTH_LEN)
  let message: Uint8Array | undefined
  let filled = 0
  for (;;) {
    const chunk = await flow.read({ signal })
    if (chunk === null) return undefined
    for (let at = 0; at < chunk.length; ) {
      const into: Uint8Array = message ?? length
      const n = Math.min(chunk.length - at, into.length - filled)
      into.set(chunk.subarray(at, at + n), filled)
      filled += n
      at += n
      if (filled < into.length) break
      if (message !== undefined) return message
      message = new Uint8Array(u16(length, 0))
      filled = 0
    }
    if (message?.length === 0) return message
  }
}
