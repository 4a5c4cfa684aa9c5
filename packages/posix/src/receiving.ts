import { CONSTANTS as C } from './constants.ts'
import { PosixError } from './errno.ts'
import type { Stream } from './stream.ts'
import { waitOrAgain } from './waiting.ts'

const NOTHING = new Uint8Array(0)

/** recv(2): up to `count` bytes; none at the end. With MSG_WAITALL as many as that, unless the end or an error comes first. */
export async function receiveFrom(socket: Stream, count: number, flags: number): Promise<Uint8Array> {
  if (socket.listener !== undefined) throw new PosixError('ENOTCONN')
  const patience = socket.patience('read', flags)
  if (socket.connecting) await waitOrAgain(socket.deps.clock, socket, () => !socket.connecting, patience)
  if ((flags & C.MSG_OOB) !== 0) throw new PosixError('EINVAL')
  const { flow } = socket
  if (flow === undefined) throw new PosixError(socket.takeError() ?? 'ENOTCONN')
  if (count === 0) return NOTHING
  const lowat = Math.max(1, socket.options.number(C.SOL_SOCKET, C.SO_RCVLOWAT))
  const wanted = (flags & C.MSG_WAITALL) !== 0 && !patience.nonblocking ? count : Math.min(count, lowat)
  const parts: Uint8Array[] = []
  let got = 0
  for (;;) {
    const info = flow.info()
    if ((flags & C.MSG_PEEK) !== 0 && info.unreadBytes >= wanted) return flow.peek(count)
    while ((flags & C.MSG_PEEK) === 0 && got < count && flow.info().unreadBytes > 0) {
      const part = (await flow.read({ most: count - got }))!
      parts.push(part)
      got += part.length
    }
    if (got >= wanted) break
    if (isOver(socket)) {
      if ((flags & C.MSG_PEEK) !== 0 && info.unreadBytes > 0) return flow.peek(count)
      if (got > 0) break
      const error = socket.takeError()
      if (error !== undefined) throw new PosixError(error)
      return NOTHING
    }
    if (got > 0 && patience.nonblocking) break
    const had = flow.info().unreadBytes
    await waitOrAgain(socket.deps.clock, socket, () => flow.info().unreadBytes > had || isOver(socket), patience)
  }
  if ((flags & C.MSG_TRUNC) !== 0) return new Uint8Array(got)
  return joined(parts, got)
}

/** Nothing more will come. */
function isOver(socket: Stream): boolean {
  const info = socket.flow!.info()
  return socket.error !== undefined || socket.shutRead || info.endReceived || info.state === 'CLOSED'
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
