import { EAGAIN, succeed, systemError } from './errno.ts'
import type { Native } from './native.ts'
import {
  decodeMessage,
  encodeRequest,
  GROUP_LINK,
  messageLength,
  messageSequence,
  type NetlinkMessage,
  type NetlinkRequest,
  nextMessage,
} from './wire/netlink.ts'

/** The kernel sends no longer datagram. */
const DATAGRAM = 32768
const DATAGRAMS = 4
const REQUEST = 128
/** Requests of one socket; a change that somebody else made has 0. */
const FIRST_SEQUENCE = 1

/** A socket that asks about interfaces, changes them, and hears of every change. */
export class Rtnetlink {
  readonly fd: number
  readonly #native: Native
  readonly #slab = new Uint8Array(DATAGRAM * DATAGRAMS)
  readonly #descriptors = new Int32Array(2 * DATAGRAMS)
  #sequence = FIRST_SEQUENCE

  constructor(native: Native) {
    this.#native = native
    this.fd = succeed(native.netlink(GROUP_LINK), 'socket AF_NETLINK')
  }

  /** Does what is asked and returns the answer. Throws a SystemError where the kernel refuses. */
  request(request: NetlinkRequest): NetlinkMessage[] {
    const sequence = this.#sequence++
    const b = new Uint8Array(REQUEST)
    const commands = Int32Array.of(0, 0, encodeRequest(b, sequence, request), 0)
    if (this.#native.write(this.fd, b, commands, 1, 1, [], 0) !== 1) throw systemError(commands[0]!, request.kind)
    const answer: NetlinkMessage[] = []
    let errno: number | undefined
    while (errno === undefined) {
      const n = this.receive((message, of) => {
        if (of !== sequence) return
        if (message.kind === 'end') errno = message.errno
        else answer.push(message)
      })
      // rtnetlink answers inside the write: nothing to read is the end of a dump that was cut short.
      if (n < 0) throw systemError(n, request.kind)
    }
    if (errno !== 0) throw systemError(errno, request.kind)
    return answer
  }

  /** Reads some datagrams and calls `visit` with each message. Returns their number, or `-errno`. */
  receive(visit: (message: NetlinkMessage, sequence: number) => void): number {
    const slab = this.#slab
    const n = this.#native.read(this.fd, slab, this.#descriptors, 0, DATAGRAM)
    for (let i = 0; i < n; i++) {
      const end = this.#descriptors[2 * i]! + this.#descriptors[2 * i + 1]!
      for (let o = this.#descriptors[2 * i]!; o < end; ) {
        const length = messageLength(slab, o, end)
        if (typeof length === 'string') break
        const message = decodeMessage(slab, o, o + length)
        if (typeof message === 'object') visit(message, messageSequence(slab, o))
        o = nextMessage(o, length)
      }
    }
    return n
  }

  /** As `receive`, until nothing is left. Returns `-errno` of what is not EAGAIN, else 0. */
  drain(visit: (message: NetlinkMessage) => void): number {
    for (;;) {
      const n = this.receive(visit)
      if (n < 0) return n === -EAGAIN ? 0 : n
    }
  }
}
