import { formatIpv4, formatMac, IPV4_BROADCAST, type Ipv4, isIpv4Loopback, isIpv4Multicast, type Mac } from '@fata/addr'
import { ETHERTYPE_ARP, type Link } from '@fata/link'
import { countDrop, type Fill } from '@fata/net'
import { createDriver, type Driver, type Logger, silentLogger } from '@fata/runtime'
import { macOf } from './core/cache.ts'
import { ArpCore } from './core/core.ts'
import type { ArpOutput } from './core/output.ts'
import { ArpError } from './errors.ts'
import { type ArpOptions, type ArpSettings, settings } from './options.ts'
import { PendingProbes } from './pending-probes.ts'
import { countSent, createStats } from './stats.ts'
import type { Arp, ArpConflict, ArpDeps, ArpEntry, ArpStats } from './types.ts'
import { Waiters } from './waiters.ts'
import { type ArpPacket, decode, encode, PACKET_LEN } from './wire.ts'

/** Speaks ARP on a link and becomes its listener for that protocol. Throws a TypeError where the link has no addresses (point to point). */
export function createArp(deps: ArpDeps, options: ArpOptions = {}): Arp {
  if (deps.link.mac === undefined) throw new TypeError('ARP needs a link with a hardware address')
  return new ArpShell(deps, deps.link.mac, settings(options))
}

class ArpShell implements Arp {
  readonly stats: ArpStats = createStats()
  readonly #link: Link
  readonly #log: Logger
  readonly #settings: ArpSettings
  readonly #core: ArpCore
  readonly #driver: Driver<ArpCore>
  readonly #waiters: Waiters
  readonly #probes: PendingProbes
  readonly #conflictListeners = new Set<(conflict: ArpConflict) => void>()
  readonly #unlisten: () => void
  #outgoing: ArpPacket | undefined
  #closed = false

  constructor({ link, clock, random, log = silentLogger }: ArpDeps, mac: Mac, set: ArpSettings) {
    this.#link = link
    this.#log = log
    this.#settings = set
    this.#core = new ArpCore(mac, set, random)
    this.#driver = createDriver<ArpOutput, ArpCore>(this.#core, clock, (out) => this.#perform(out))
    this.#waiters = new Waiters(set.maxWaiters)
    this.#probes = new PendingProbes((address) => this.#driver.step((core) => core.cancelProbe(address)))
    this.#unlisten = link.listen(ETHERTYPE_ARP, { packet: (buf, off, end) => this.#receive(buf, off, end) })
  }

  lookup(address: Ipv4): Mac | undefined {
    return this.#core.lookup(address)
  }

  resolve(address: Ipv4, done: (mac: Mac | undefined) => void): void {
    const known = this.#core.lookup(address)
    if (known !== undefined || this.#closed) {
      done(known)
    } else if (this.#waiters.add(address, done)) {
      this.#driver.step((core, now) => core.query(now, address))
    } else {
      countDrop(this.stats.dropped, 'too-many-waiters')
      done(undefined)
    }
  }

  entries(): readonly ArpEntry[] {
    return Array.from(this.#core.entries(), ([address, { state }]) => ({
      address,
      state: state.kind,
      mac: macOf(state),
    }))
  }

  setStatic(address: Ipv4, mac: Mac | undefined): void {
    if (this.#core.isOwn(address))
      throw new RangeError(`${formatIpv4(address)} is an address of this host, not of a neighbour`)
    if (this.#closed) return
    if (!this.#driver.step((core) => core.setStatic(address, mac)))
      throw new ArpError('ERR_ARP_FULL', `all ${this.#settings.cacheSize} entries of the cache are static`)
  }

  flush(address?: Ipv4): void {
    this.#driver.step((core) => core.flush(address))
  }

  addresses(): readonly Ipv4[] {
    return this.#core.addresses()
  }

  setAddresses(addresses: readonly Ipv4[]): void {
    for (const address of addresses) requireUnicast(address)
    if (!this.#closed) this.#driver.step((core, now) => core.setAddresses(now, addresses))
  }

  addAddress(address: Ipv4): void {
    requireUnicast(address)
    if (!this.#closed) this.#driver.step((core, now) => core.addAddress(now, address))
  }

  removeAddress(address: Ipv4): void {
    this.#driver.step((core) => core.removeAddress(address))
  }

  probe(address: Ipv4, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const { signal } = options
    requireUnicast(address)
    if (this.#closed) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (!this.#probes.has(address) && this.#probes.size >= this.#settings.maxProbes)
      return Promise.reject(new ArpError('ERR_ARP_FULL', `${this.#settings.maxProbes} addresses are under probe`))
    const outcome = this.#probes.wait(address, signal)
    this.#driver.step((core, now) => core.startProbe(now, address))
    return outcome
  }

  onConflict(listener: (conflict: ArpConflict) => void): () => void {
    this.#conflictListeners.add(listener)
    return () => void this.#conflictListeners.delete(listener)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#unlisten()
    this.#driver.step((core) => core.close())
    this.#driver.stop()
    this.#probes.rejectAll(closedError())
    this.#conflictListeners.clear()
  }

  #receive(buf: Uint8Array, off: number, end: number): void {
    const packet = decode(buf, off, end)
    if (typeof packet === 'string') {
      countDrop(this.stats.dropped, packet)
      return
    }
    if (packet.operation === 'request') this.stats.requestsReceived++
    else this.stats.repliesReceived++
    const ignored = this.#driver.step((core, now) => core.receive(now, packet))
    if (ignored !== undefined) countDrop(this.stats.dropped, ignored)
  }

  #perform(out: ArpOutput): void {
    switch (out.kind) {
      case 'send':
        this.#send(out.to, out.packet)
        break
      case 'resolved':
        this.#waiters.settle(out.address, out.mac)
        break
      case 'failed':
        this.stats.failures++
        this.#waiters.settle(out.address, undefined)
        break
      case 'probed':
        if (out.usedBy !== undefined) this.#tell('warn', 'address is not free', out.address, out.usedBy)
        this.#probes.settle(out.address, out.usedBy === undefined)
        break
      case 'conflict':
        this.stats.conflicts++
        this.#tell('warn', 'another station uses our address', out.address, out.mac)
        for (const listener of this.#conflictListeners)
          listener({ address: out.address, mac: out.mac, defended: out.defended, lost: out.lost })
        break
      case 'moved':
        this.#tell('info', 'neighbour has moved', out.address, out.mac)
        break
      case 'evicted':
        this.stats.evictions++
        break
      default:
        out satisfies never
    }
  }

  #send(to: Mac, packet: ArpPacket): void {
    this.#outgoing = packet
    try {
      this.#link.write(to, ETHERTYPE_ARP, PACKET_LEN, this.#fill)
      countSent(this.stats, packet)
    } catch (error) {
      // That the device is gone must not crash whoever's packet or timer led here; queries end by their own time.
      if (!isNetError(error)) throw error
      countDrop(this.stats.dropped, 'send-failed')
    }
  }

  readonly #fill: Fill = (buf, off) => {
    encode(buf, off, this.#outgoing!)
    return PACKET_LEN
  }

  #tell(level: 'info' | 'warn', message: string, address: Ipv4, mac: Mac): void {
    if (this.#log.enabled(level))
      this.#log.log(level, 'arp', message, { address: formatIpv4(address), mac: formatMac(mac) })
  }
}

function closedError(): ArpError {
  return new ArpError('ERR_ARP_CLOSED', 'ARP is closed')
}

function isNetError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code.startsWith('ERR_NET_')
}

function requireUnicast(address: Ipv4): void {
  if (address === 0 || address === IPV4_BROADCAST || isIpv4Multicast(address) || isIpv4Loopback(address))
    throw new RangeError(`${formatIpv4(address)} is not the address of a host on a link`)
}
