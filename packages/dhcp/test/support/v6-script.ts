import { formatIp, type Ipv6, ipv6, mac } from '@fata/addr'
import { hex } from '@fata/bytes'
import { seededRandom } from '@fata/runtime'
import { V6ClientCore, type V6CoreSettings, type V6Output } from '../../src/core/v6-client.ts'
import type { V6Identity } from '../../src/core/v6-client-messages.ts'
import {
  duidFromMac,
  getV6Option,
  OPTION_V6_CLIENT_ID,
  OPTION_V6_IA_NA,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_SERVER_ID,
  type V6Message,
  type V6Option,
  v6Option,
} from '../../src/wire.ts'

export const DUID: Uint8Array = duidFromMac(mac('02:00:00:00:00:01'))
export const SERVER: Uint8Array = Uint8Array.of(0, 3, 0, 1, 0xaa)
export const OTHER: Uint8Array = Uint8Array.of(0, 3, 0, 1, 0xbb)
export const ADDRESS: Ipv6 = ipv6('fd00::100')
export const IAID = 7

const WHO: V6Identity = { duid: DUID, iaid: IAID, request: [23, 24], rapidCommit: true }

/** What a server gives in its association, in seconds. */
export interface Given {
  readonly addresses?: readonly (readonly [string, number, number])[]
  readonly t1?: number
  readonly t2?: number
  readonly status?: number | undefined
  readonly iaid?: number
}

/** fd00::100 for an hour, unless told otherwise. */
export function association(given: Given = {}): V6Option {
  const { addresses = [['fd00::100', 3600, 7200]], t1 = 1800, t2 = 2880, status, iaid = IAID } = given
  return v6Option(OPTION_V6_IA_NA, {
    iaid,
    t1,
    t2,
    addresses: addresses.map(([a, preferred, valid]) => ({ address: ipv6(a), preferred, valid, status: undefined })),
    status: status === undefined ? undefined : { code: status, message: '' },
  })
}

/** A server's message to the client. */
export function answer(
  type: 'advertise' | 'reply',
  xid: number,
  options: readonly V6Option[] = [association()],
  server: Uint8Array | undefined = SERVER,
  client: Uint8Array | undefined = DUID,
): V6Message {
  const ids = [
    ...(client === undefined ? [] : [v6Option(OPTION_V6_CLIENT_ID, client)]),
    ...(server === undefined ? [] : [v6Option(OPTION_V6_SERVER_ID, server)]),
  ]
  return { type, xid, options: [...ids, ...options] }
}

/** A client's message in a line. */
export function line({ type, options }: V6Message): string {
  const ia = getV6Option(options, OPTION_V6_IA_NA)
  const server = getV6Option(options, OPTION_V6_SERVER_ID)
  const addresses = ia?.addresses.map(({ address }) => ` ${formatIp(address)}`).join('') ?? ''
  const rapid = getV6Option(options, OPTION_V6_RAPID_COMMIT) ? ' rapid' : ''
  return `${type}${addresses}${server === undefined ? '' : ` to ${hex(server).slice(-2)}`}${rapid}`
}

export interface V6Script {
  readonly core: V6ClientCore
  now: number
  readonly sent: V6Message[]
  readonly xid: number
  ignored: string | undefined
  does(change: (core: V6ClientCore, now: number) => void): string[]
  arrives(m: V6Message): string[]
  /** Each line with the seconds since. */
  passes(seconds: number): string[]
}

export function v6Script(settings: Partial<V6CoreSettings & V6Identity> = {}, seed = 1): V6Script {
  const all = { ...WHO, shortestLeaseS: 10, maxOffers: 3, startDelayMs: 0, ...settings }
  const core = new V6ClientCore(all, all, seededRandom(seed))
  const text = (out: V6Output): string => {
    if (out.kind === 'send') {
      s.sent.push(out.message)
      return line(out.message)
    }
    if (out.kind === 'left') return 'left'
    const addresses = out.lease.addresses.map(({ address }) => formatIp(address)).join(' ')
    return `${out.kind} ${addresses}${out.kind === 'lost' ? ` ${out.reason}` : ''}`
  }
  const outputs = (): string[] => {
    const lines: string[] = []
    for (let out = core.poll(); out !== undefined; out = core.poll()) lines.push(text(out))
    return lines
  }
  const s: V6Script = {
    core,
    now: 1_000_000,
    sent: [],
    ignored: undefined,
    get xid() {
      return s.sent.at(-1)!.xid
    },
    does(change) {
      change(core, s.now)
      return outputs()
    },
    arrives: (m) =>
      s.does((c, now) => {
        s.ignored = c.receive(now, m)
      }),
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
