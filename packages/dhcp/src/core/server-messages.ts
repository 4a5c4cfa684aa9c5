import { IPV4_ANY, IPV4_BROADCAST, type Ipv4, type Mac } from '@fata/addr'
import type { DhcpMessage } from '../wire/message.ts'
import { getOption, setOption } from '../wire/option.ts'
import type { OptionMap } from '../wire/option-area.ts'
import {
  OPTION_CLIENT_ID,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MESSAGE,
  OPTION_PARAMETERS,
  OPTION_REBINDING_TIME,
  OPTION_RELAY_AGENT,
  OPTION_RENEWAL_TIME,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
} from '../wire/options.ts'

/** Where an answer goes. `'hardware'`: to an address that its owner does not answer ARP for yet. */
export type Destination =
  | { readonly kind: 'relay' | 'client' | 'broadcast'; readonly address: Ipv4 }
  | { readonly kind: 'hardware'; readonly address: Ipv4; readonly mac: Mac }

/** An answer. Options behind the first `essential` ones may be left out where there is no room for them. */
export interface Reply {
  readonly message: DhcpMessage
  readonly to: Destination
  readonly essential: number
}

/** What an answer says beside the options of the subnet. */
export interface ReplyFields {
  readonly type: 'offer' | 'ack' | 'nak'
  readonly server: Ipv4
  readonly yiaddr?: Ipv4
  /** Infinity for ever; undefined in answers to DHCPINFORM. */
  readonly leaseSeconds?: number
  readonly hostName?: string | undefined
  /** With `'nak'`: why. */
  readonly reason?: string
}

/** The answer to `m` by table 3 of RFC 2131 §4.3.1, with what `configured` has of the options that the client asks for. */
export function reply(m: DhcpMessage, f: ReplyFields, configured: ReadonlyMap<number, Uint8Array>): Reply {
  const options: OptionMap = new Map()
  setOption(options, OPTION_SERVER_ID, f.server)
  if (f.leaseSeconds !== undefined) setTimes(options, f.leaseSeconds)
  setOption(options, OPTION_MESSAGE, f.reason)
  // RFC 6842 §3 and RFC 3046 §2.2 have these echoed.
  for (const { code } of [OPTION_CLIENT_ID, OPTION_RELAY_AGENT]) {
    const value = m.options.get(code)
    if (value !== undefined) options.set(code, value)
  }
  const essential = options.size
  if (f.type !== 'nak') addConfigured(options, m, f.hostName, configured)
  const relayed = m.giaddr !== IPV4_ANY
  const message: DhcpMessage = {
    type: f.type,
    hops: 0,
    xid: m.xid,
    secs: 0,
    // §4.3.2: the relay agent must broadcast a DHCPNAK.
    broadcast: m.broadcast || (f.type === 'nak' && relayed),
    ciaddr: f.type === 'ack' ? m.ciaddr : IPV4_ANY,
    yiaddr: f.yiaddr ?? IPV4_ANY,
    siaddr: IPV4_ANY,
    giaddr: m.giaddr,
    chaddr: m.chaddr,
    serverName: '',
    bootFile: '',
    options,
  }
  return { message, to: destination(m, message), essential }
}

/** §4.1: where an answer goes. That to a DHCPINFORM always goes to the client, §4.3.5. */
function destination(m: DhcpMessage, answer: DhcpMessage): Destination {
  if (m.type === 'inform') return { kind: 'client', address: m.ciaddr }
  if (m.giaddr !== IPV4_ANY) return { kind: 'relay', address: m.giaddr }
  if (answer.type === 'nak') return { kind: 'broadcast', address: IPV4_BROADCAST }
  if (m.ciaddr !== IPV4_ANY) return { kind: 'client', address: m.ciaddr }
  if (m.broadcast) return { kind: 'broadcast', address: IPV4_BROADCAST }
  return { kind: 'hardware', address: answer.yiaddr, mac: m.chaddr }
}

/** §4.4.5: T1 and T2 as the client would take them. */
function setTimes(options: OptionMap, seconds: number): void {
  const share = (part: number): number =>
    seconds === Number.POSITIVE_INFINITY ? seconds : Math.floor((seconds * part) / 8)
  setOption(options, OPTION_LEASE_TIME, seconds)
  setOption(options, OPTION_RENEWAL_TIME, share(4))
  setOption(options, OPTION_REBINDING_TIME, share(7))
}

/** What the client asks for, in its order, and the mask; everything where it does not say what it wants. */
function addConfigured(
  options: OptionMap,
  m: DhcpMessage,
  hostName: string | undefined,
  configured: ReadonlyMap<number, Uint8Array>,
): void {
  const wanted = getOption(m.options, OPTION_PARAMETERS) ?? [OPTION_HOST_NAME.code, ...configured.keys()]
  for (const code of [...wanted, OPTION_SUBNET_MASK.code]) {
    const value = configured.get(code)
    if (options.has(code)) continue
    if (code === OPTION_HOST_NAME.code && hostName !== undefined) setOption(options, OPTION_HOST_NAME, hostName)
    else if (value !== undefined) options.set(code, value)
  }
}
