import { checksum, putU16, putU32, u16, u32 } from '@fata/bytes'
import { PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { decode, RST, SYN } from '../../../src/wire.ts'
import type { Packet } from '../test-ip.ts'
import type { Dice, MutableLink } from './scenario.ts'

// Offsets in a TCP header.
const ACK_NUMBER = 8
const WINDOW = 14
const CHECKSUM = 16
const FAR_AHEAD = 0x0010_0000

/** A copy with other bytes and the right checksum. */
function forge(packet: Packet, change: (bytes: Uint8Array, headerLen: number) => void): Packet | undefined {
  // What an offload leaves to do has no checksum yet.
  if (packet.meta.checksum !== 'none') return undefined
  const header = decode(packet.bytes, 0, packet.bytes.length)
  if (typeof header === 'string' || (header.flags & (SYN | RST)) !== 0) return undefined
  const bytes = packet.bytes.slice()
  const sum = (): number =>
    checksum(bytes, 0, bytes.length, pseudoHeaderSum(packet.src, packet.dst, PROTOCOL_TCP, bytes.length))
  // What was damaged on the way will not be taken: a forgery of it would be the first that is.
  if (sum() !== 0) return undefined
  change(bytes, header.headerLen)
  putU16(bytes, CHECKSUM, 0)
  putU16(bytes, CHECKSUM, sum())
  return { ...packet, bytes }
}

/** The peer takes back window that it has offered (RFC 9293 MUST-34). */
function shrinkWindow(packet: Packet, dice: Dice): Packet {
  return forge(packet, (b) => putU16(b, WINDOW, dice.below(1 + u16(b, WINDOW)))) ?? packet
}

/** The same text again, with other contents: what came first must stay. */
function contradict(packet: Packet): Packet | undefined {
  return forge(packet, (b, headerLen) => {
    for (let i = headerLen; i < b.length; i++) b[i] = ~b[i]!
  })
}

/** An acknowledgment of what was never sent (§3.10.7.4). */
function acknowledgeTooMuch(packet: Packet): Packet | undefined {
  return forge(packet, (b) => putU32(b, ACK_NUMBER, (u32(b, ACK_NUMBER) + FAR_AHEAD) >>> 0))
}

/** Makes one direction of a path carry what an honest peer would not send. */
export function makeHostile(link: MutableLink, dice: Dice): void {
  link.alter = (packet) => (dice.oneIn(10) ? shrinkWindow(packet, dice) : packet)
  link.follow = (packet) => {
    if (!dice.oneIn(10)) return undefined
    return dice.oneIn(2) ? contradict(packet) : acknowledgeTooMuch(packet)
  }
}
