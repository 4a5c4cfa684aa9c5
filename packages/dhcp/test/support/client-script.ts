import { formatIpv4, type Ipv4 } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { ClientCore, type ClientCoreSettings, type ClientOutput } from '../../src/core/client.ts'
import type { ClientIdentity } from '../../src/core/client-messages.ts'
import type { KnownLease } from '../../src/core/client-state.ts'
import type { DhcpMessage } from '../../src/wire.ts'
import { line, MAC } from './messages.ts'

const WHO: ClientIdentity = {
  mac: MAC,
  clientId: undefined,
  hostName: 'alice',
  vendorClass: undefined,
  parameters: [1, 3, 6],
  maxMessageSize: 1500,
  leaseSeconds: undefined,
  broadcast: true,
}

const SETTINGS: ClientCoreSettings = {
  startDelayMs: 0,
  collectMs: 100,
  maxOffers: 3,
  requestTries: 4,
  shortestLeaseS: 10,
  probes: true,
}

/** A client core in virtual time; what it puts out is read as lines. */
export interface ClientScript {
  readonly core: ClientCore
  now: number
  /** Of the last message that it sent. */
  readonly xid: number
  readonly sent: DhcpMessage[]
  starts(known?: KnownLease): string[]
  arrives(message: DhcpMessage): string[]
  /** What was said of the last message that arrived. */
  ignored: string | undefined
  probed(address: Ipv4, free: boolean): string[]
  does(change: (core: ClientCore, now: number) => void): string[]
  /** Time passes; the core is called when it asked for it. Each line with the seconds since. */
  passes(seconds: number): string[]
}

export function clientScript(settings: Partial<ClientCoreSettings> = {}, seed = 1): ClientScript {
  const core = new ClientCore(WHO, { ...SETTINGS, ...settings }, seededRandom(seed))
  const text = (out: ClientOutput): string => {
    if (out.kind === 'send') {
      s.sent.push(out.message)
      return line(out.message, out.src, out.to)
    }
    if (out.kind === 'forget') return 'forget'
    if (out.kind === 'probe') return `probe ${formatIpv4(out.address)}`
    return `${out.kind} ${formatIpv4(out.lease.address)}${out.kind === 'lost' ? ` ${out.reason}` : ''}`
  }
  const outputs = (): string[] => {
    const lines: string[] = []
    for (let out = core.poll(); out !== undefined; out = core.poll()) lines.push(text(out))
    return lines
  }
  const s: ClientScript = {
    core,
    now: 1_000_000,
    sent: [],
    ignored: undefined,
    get xid() {
      return s.sent.at(-1)!.xid
    },
    starts: (known) => s.does((c, now) => c.start(now, known)),
    arrives(message) {
      return s.does((c, now) => {
        s.ignored = c.receive(now, message)
      })
    },
    probed: (address, free) => s.does((c, now) => c.probed(now, address, free)),
    does(change) {
      change(core, s.now)
      return outputs()
    },
    passes(seconds) {
      const start = s.now
      const end = start + seconds * 1000
      const lines: string[] = []
      for (let at = core.deadline(); at <= end; at = core.deadline()) {
        s.now = Math.max(s.now, at)
        core.timeout(s.now)
        for (const out of outputs()) lines.push(`${((s.now - start) / 1000).toFixed(1)}: ${out}`)
      }
      s.now = end
      return lines
    },
  }
  return s
}
