import type { Ipv6 } from '@fata/addr'
import { copyBytes } from '@fata/bytes'
import { type IpListeners, PROTOCOL_ICMPV6 } from '@fata/ip'
import type { LinkFrame } from '@fata/link'
import { countDrop } from '@fata/net'
import type { Driver } from '@fata/runtime'
import type { Ipv6Core } from './core/core.ts'
import type { QueuedPacket } from './core/queued-packet.ts'
import type { Acceptance, Verdict } from './core/receive.ts'
import type { Sender } from './sender.ts'
import { finishIcmpv6, ICMPV6_ECHO_REPLY } from './wire/icmpv6.ts'

/** The receiving half: hands what the core has accepted to who listens. */
export class Input {
  readonly #core: Ipv6Core
  readonly #driver: Driver<Ipv6Core>
  readonly #listeners: IpListeners
  readonly #sender: Sender

  constructor(core: Ipv6Core, driver: Driver<Ipv6Core>, listeners: IpListeners, sender: Sender) {
    this.#core = core
    this.#driver = driver
    this.#listeners = listeners
    this.#sender = sender
  }

  readonly #process = (core: Ipv6Core, now: number): Verdict => core.process(now)
  readonly #refused = (core: Ipv6Core, now: number): void => core.unclaimed(now, true)
  readonly #unknown = (core: Ipv6Core, now: number): void => core.unclaimed(now, false)
  readonly #sourceOfReply = (core: Ipv6Core, now: number): Ipv6 | undefined => core.sourceOfReply(now)

  /** A packet of the link. */
  packet(buf: Uint8Array, off: number, end: number, frame: LinkFrame): void {
    this.#take(this.#core.receiver.accept(buf, off, end, frame))
  }

  /** Packets of this host. */
  looped(packets: readonly QueuedPacket[]): void {
    const { host, receiver } = this.#core
    for (const { bytes, meta } of packets) {
      host.stats.looped++
      this.#take(receiver.accept(bytes, 0, bytes.length, undefined, meta))
    }
    this.#listeners.batchEnd()
  }

  #take(acceptance: Acceptance): void {
    if (acceptance === 'deliver') this.#deliver()
    else if (acceptance === 'process') this.#act(this.#driver.step(this.#process))
  }

  #act(verdict: Verdict): void {
    if (verdict === 'deliver') this.#deliver()
    else if (verdict === 'echo') this.#answerEcho()
    else if (verdict === 'offer') this.#offer()
  }

  #deliver(): void {
    const { receiver, host } = this.#core
    const delivery = this.#listeners.deliver(receiver.buf, receiver.off, receiver.end, receiver)
    if (delivery === 'taken') host.stats.delivered++
    else this.#driver.step(delivery === 'refused' ? this.#refused : this.#unknown)
  }

  /** RFC 4443 §2.4 (b): what nobody understands is silently discarded. */
  #offer(): void {
    const { receiver, host } = this.#core
    const delivery = this.#listeners.deliver(receiver.buf, receiver.off, receiver.end, receiver)
    if (delivery === 'taken') host.stats.delivered++
    else countDrop(host.stats.dropped, 'icmp-unclaimed')
  }

  #src: Ipv6 | undefined
  readonly #fillEcho = (buf: Uint8Array, off: number): number => {
    const { receiver } = this.#core
    const end = off + copyBytes(buf, off, receiver.buf, receiver.off, receiver.end)
    buf[off] = ICMPV6_ECHO_REPLY
    finishIcmpv6(buf, off, end, this.#src!, receiver.src)
    return end - off
  }

  /** RFC 4443 §4.2. */
  #answerEcho(): void {
    const { receiver, host } = this.#core
    const { src, trafficClass, off, end } = receiver
    this.#src = this.#driver.step(this.#sourceOfReply)
    if (this.#src === undefined) {
      countDrop(host.stats.unsent, 'no-source')
      return
    }
    this.#sender.tryWrite(src, PROTOCOL_ICMPV6, end - off, this.#fillEcho, { src: this.#src, trafficClass })
  }
}
