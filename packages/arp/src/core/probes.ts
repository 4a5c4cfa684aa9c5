import { type Ipv4, MAC_BROADCAST, type Mac } from '@fata/addr'
import { type Random, randomBelow } from '@fata/runtime'
import type { ArpPacket } from '../wire.ts'
import { type ArpOutput, NO_ADDRESS, NO_MAC, send } from './output.ts'

/** RFC 5227 §1.1 */
const PROBE_WAIT_MS = 1000
const PROBE_NUM = 3
const PROBE_MIN_MS = 1000
const PROBE_MAX_MS = 2000
const ANNOUNCE_WAIT_MS = 2000
const MAX_CONFLICTS = 10
const RATE_LIMIT_INTERVAL_MS = 60_000

/** An address under probe: `sent` probes have gone out, and at `at` the next one does, or after the last the address is free. */
interface Probe {
  sent: number
  at: number
}

/**
 * Finds out whether an address is free, RFC 5227 §2.1: after a random wait three ARP Probes at random distances, then two seconds more.
 * Whoever claims the address meanwhile, or probes for it as well, has it.
 */
export class Probes {
  readonly #probes = new Map<Ipv4, Probe>()
  readonly #mac: Mac
  readonly #random: Random
  readonly #out: ArpOutput[]
  #conflicts = 0
  #lastStart = Number.NEGATIVE_INFINITY

  constructor(mac: Mac, random: Random, out: ArpOutput[]) {
    this.#mac = mac
    this.#random = random
    this.#out = out
  }

  get size(): number {
    return this.#probes.size
  }

  /** Begins, unless the address is under probe already. */
  start(now: number, address: Ipv4): void {
    if (this.#probes.has(address)) return
    // §2.1.1: from MAX_CONFLICTS on, one attempt in RATE_LIMIT_INTERVAL. An address that is found free ends that.
    const begin = this.#conflicts >= MAX_CONFLICTS ? Math.max(now, this.#lastStart + RATE_LIMIT_INTERVAL_MS) : now
    this.#lastStart = begin
    this.#probes.set(address, { sent: 0, at: begin + randomBelow(this.#random, PROBE_WAIT_MS + 1) })
  }

  /** Stops without a result. */
  cancel(address: Ipv4): void {
    this.#probes.delete(address)
  }

  clear(): void {
    this.#probes.clear()
  }

  /** Looks at a packet of another station. `targetIsOwn`: its target is an address in use here, which a probe of theirs does not contest. */
  heard(packet: ArpPacket, targetIsOwn: boolean): void {
    if (this.#probes.size === 0) return
    const isProbe = packet.operation === 'request' && packet.spa === NO_ADDRESS
    const claimed = isProbe ? packet.tpa : packet.spa
    if (isProbe && targetIsOwn) return
    if (!this.#probes.delete(claimed)) return
    this.countConflict()
    this.#out.push({ kind: 'probed', address: claimed, usedBy: packet.sha })
  }

  /** A conflict, met here or over an address in use. */
  countConflict(): void {
    this.#conflicts++
  }

  timeout(now: number): void {
    for (const [address, probe] of this.#probes) {
      if (probe.at > now) continue
      if (probe.sent === PROBE_NUM) {
        this.#probes.delete(address)
        this.#conflicts = 0
        this.#out.push({ kind: 'probed', address, usedBy: undefined })
        continue
      }
      probe.sent++
      probe.at = now + (probe.sent === PROBE_NUM ? ANNOUNCE_WAIT_MS : this.#spacing())
      this.#out.push(
        send(MAC_BROADCAST, { operation: 'request', sha: this.#mac, spa: NO_ADDRESS, tha: NO_MAC, tpa: address }),
      )
    }
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const probe of this.#probes.values()) at = Math.min(at, probe.at)
    return at
  }

  #spacing(): number {
    return PROBE_MIN_MS + randomBelow(this.#random, PROBE_MAX_MS - PROBE_MIN_MS + 1)
  }
}
