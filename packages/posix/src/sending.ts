import type { TcpInfo } from '@fata/tcp'
import { CONSTANTS as C } from './constants.ts'
import { PosixError } from './errno.ts'
import type { ControlMessage } from './file.ts'
import type { Stream } from './stream.ts'
import { waitOrAgain } from './waiting.ts'

/** A send with MSG_ZEROCOPY: its number, and behind which byte of the stream it ends. */
interface ZeroCopy {
  readonly id: number
  readonly end: number
}

/** The writing side of a stream socket: how much it takes at once, and when it can take more. */
export class Sender {
  /** Somebody was told that there is no room: room is worth a word. */
  noSpace = false
  readonly #socket: Stream
  #written = 0
  #zeroCopies = 0
  readonly #underWay: ZeroCopy[] = []
  /** Sends with MSG_ZEROCOPY of which the socket is done, `[first, last]`. */
  #done: { first: number; last: number } | undefined

  constructor(socket: Stream) {
    this.#socket = socket
  }

  get hasCompletion(): boolean {
    return this.#done !== undefined
  }

  /** A writer need not wait: a third of the buffer is free, as Linux wants it. */
  hasRoom(info: TcpInfo): boolean {
    const most = this.#socket.options.sendBytes
    const lowat = this.#socket.options.number(C.SOL_TCP, C.TCP_NOTSENT_LOWAT) >>> 0
    return 3 * (info.unsentBytes + info.unackedBytes) <= 2 * most && info.unsentBytes < Math.max(1, lowat)
  }

  /** The flow has changed: which events are worth a word? */
  onReady(info: TcpInfo): number {
    this.#complete(info)
    if (!this.noSpace || !this.hasRoom(info)) return this.hasCompletion ? C.POLLERR : 0
    this.noSpace = false
    return C.POLLOUT | C.POLLWRNORM
  }

  async send(data: Uint8Array, flags: number): Promise<number> {
    const socket = this.#socket
    const { flow } = socket
    if (flow === undefined) throw new PosixError(socket.deps.personality.unconnectedWrite)
    let sent = 0
    do {
      this.#requireOpen()
      const room = this.#room()
      if (room <= 0) {
        this.noSpace = true
        const patience = socket.patience('write', flags)
        if (sent > 0 && patience.nonblocking) return sent
        await waitOrAgain(socket.deps.clock, socket, () => this.#room() > 0 || this.#isOver(), patience)
        continue
      }
      const n = Math.min(room, data.length - sent)
      this.#write(data.slice(sent, sent + n), flags, sent + n === data.length)
      sent += n
    } while (sent < data.length)
    if ((flags & C.MSG_ZEROCOPY) !== 0 && socket.options.number(C.SOL_SOCKET, C.SO_ZEROCOPY) !== 0)
      this.#underWay.push({ id: this.#zeroCopies++, end: this.#written })
    return sent
  }

  #write(chunk: Uint8Array, flags: number, last: boolean): void {
    const flow = this.#socket.flow!
    const cork = this.#socket.options.number(C.SOL_TCP, C.TCP_CORK) !== 0
    flow.configure({ cork: cork || (flags & C.MSG_MORE) !== 0 })
    this.#written += chunk.length
    flow.write(chunk, { urgent: last && (flags & C.MSG_OOB) !== 0 }).catch(() => {})
  }

  #isOver(): boolean {
    const { flow, shutWrite, error } = this.#socket
    return error !== undefined || shutWrite || flow === undefined || flow.info().state === 'CLOSED'
  }

  #requireOpen(): void {
    if (!this.#isOver()) return
    throw new PosixError(this.#socket.takeError() ?? 'EPIPE')
  }

  #room(): number {
    const info = this.#socket.flow!.info()
    return this.#socket.options.sendBytes - info.unsentBytes - info.unackedBytes
  }

  #complete(info: TcpInfo): void {
    while (this.#underWay.length > 0 && this.#underWay[0]!.end <= info.bytesAcked) {
      const { id } = this.#underWay.shift()!
      if (this.#done === undefined) this.#done = { first: id, last: id }
      else this.#done.last = id
    }
  }

  /** The next message of the error queue: which sends with MSG_ZEROCOPY are done. */
  takeCompletion(): ControlMessage | undefined {
    const done = this.#done
    if (done === undefined) return undefined
    this.#done = undefined
    const v4 = this.#socket.family === C.AF_INET
    return {
      level: v4 ? C.SOL_IP : C.SOL_IPV6,
      type: v4 ? C.IP_RECVERR : C.IPV6_RECVERR,
      data: {
        ee_errno: 0,
        ee_origin: C.SO_EE_ORIGIN_ZEROCOPY,
        ee_type: 0,
        ee_code: C.SO_EE_CODE_ZEROCOPY_COPIED,
        ee_info: done.first,
        ee_data: done.last,
      },
    }
  }
}
