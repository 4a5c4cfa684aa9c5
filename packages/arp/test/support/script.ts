import { formatIpv4, formatMac, type Ipv4, ipv4, type Mac, mac } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { ArpCore } from '../../src/core/core.ts'
import type { ArpOutput } from '../../src/core/output.ts'
import { type ArpOptions, settings } from '../../src/options.ts'
import type { ArpPacket } from '../../src/wire.ts'

export const OWN_MAC: Mac = mac('02:00:00:00:00:01')
export const PEER_MAC: Mac = mac('02:00:00:00:00:02')
export const OTHER_MAC: Mac = mac('02:00:00:00:00:03')
export const OWN: Ipv4 = ipv4('10.0.0.1')
export const PEER: Ipv4 = ipv4('10.0.0.2')
export const OTHER: Ipv4 = ipv4('10.0.0.3')

const NOBODY = 0 as Mac

/** Who-has `tpa`, tell `spa`. */
export function request(sha: Mac, spa: Ipv4, tpa: Ipv4): ArpPacket {
  return { operation: 'request', sha, spa, tha: NOBODY, tpa }
}

/** `spa` is-at `sha`, told to `tpa`. */
export function reply(sha: Mac, spa: Ipv4, tpa: Ipv4 = OWN, tha: Mac = OWN_MAC): ArpPacket {
  return { operation: 'reply', sha, spa, tha, tpa }
}

/** An ARP Probe for `tpa`. */
export function probe(sha: Mac, tpa: Ipv4): ArpPacket {
  return request(sha, 0 as Ipv4, tpa)
}

/** An output in a line: what a reader of tcpdump would write down. */
function text(out: ArpOutput): string {
  const address = 'address' in out ? formatIpv4(out.address) : ''
  switch (out.kind) {
    case 'send': {
      const { operation, sha, spa, tpa } = out.packet
      const to = out.to === 0xffff_ffff_ffff ? 'all' : formatMac(out.to)
      return operation === 'request'
        ? `to ${to}: who-has ${formatIpv4(tpa)} tell ${formatIpv4(spa)}`
        : `to ${to}: ${formatIpv4(tpa)} hear that ${formatIpv4(spa)} is-at ${formatMac(sha)}`
    }
    case 'resolved':
      return `${address} is-at ${formatMac(out.mac)}`
    case 'moved':
      return `${address} moved from ${formatMac(out.from)} to ${formatMac(out.mac)}`
    case 'conflict':
      return `${formatMac(out.mac)} uses ${address}, ${out.defended ? 'defended' : 'not defended'}`
    case 'probed':
      return `${address} is ${out.usedBy === undefined ? 'free' : `used by ${formatMac(out.usedBy)}`}`
    case 'failed':
    case 'evicted':
      return `${address} ${out.kind}`
    default:
      return out satisfies never
  }
}

/** A core in virtual time; what it puts out is read as lines. */
export interface Script {
  readonly core: ArpCore
  now: number
  /** Everything put out since the last call. */
  outputs(): string[]
  /** A packet arrives; returns why it was ignored. */
  arrives(packet: ArpPacket): string | undefined
  /** Time passes; the core is called when it asked for it. Returns what it put out, each line with its time. */
  passes(ms: number): string[]
  /** State and hardware address of an entry, as text. */
  entry(address: Ipv4): string | undefined
}

/** A core that owns OWN, whose announcements are over and forgotten. */
export function script(options: ArpOptions = {}, seed = 1): Script {
  const s = bareScript(options, seed)
  s.core.addAddress(s.now, OWN)
  s.passes(2000)
  s.outputs()
  return s
}

/** A core without addresses. */
export function bareScript(options: ArpOptions = {}, seed = 1): Script {
  const core = new ArpCore(OWN_MAC, settings(options), seededRandom(seed))
  const outputs = (): string[] => {
    const lines: string[] = []
    for (let out = core.poll(); out !== undefined; out = core.poll()) lines.push(text(out))
    return lines
  }
  const s: Script = {
    core,
    now: 1_000_000,
    outputs,
    arrives: (packet) => core.receive(s.now, packet),
    passes(ms) {
      const end = s.now + ms
      const lines: string[] = []
      for (let at = core.deadline(); at <= end; at = core.deadline()) {
        s.now = Math.max(s.now, at)
        core.timeout(s.now)
        for (const line of outputs()) lines.push(`${s.now - (end - ms)}: ${line}`)
      }
      s.now = end
      return lines
    },
    entry(address) {
      const state = core.entries().get(address)?.state
      if (state === undefined) return undefined
      return 'mac' in state ? `${state.kind} ${formatMac(state.mac)}` : state.kind
    },
  }
  return s
}
