import { formatIpv4, IPV4_ANY, type Ipv4, ipv4, type Mac, mac } from '@fata/addr'
import {
  type DhcpMessage,
  type DhcpOption,
  getOption,
  OPTION_LEASE_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
  setOption,
} from '../../src/wire.ts'

export const MAC: Mac = mac('02:00:00:00:00:01')
export const SERVER: Ipv4 = ipv4('10.0.0.1')
export const OTHER_SERVER: Ipv4 = ipv4('10.0.0.2')
export const ADDRESS: Ipv4 = ipv4('10.0.0.100')

/** An option with its value; undefined leaves it out. */
export type Setting = readonly [DhcpOption<never>, unknown]

export function setting<T>(option: DhcpOption<T>, value: T | undefined): Setting {
  return [option as DhcpOption<never>, value]
}

const BLANK: DhcpMessage = {
  type: 'discover',
  hops: 0,
  xid: 1,
  secs: 0,
  broadcast: false,
  ciaddr: IPV4_ANY,
  yiaddr: IPV4_ANY,
  siaddr: IPV4_ANY,
  giaddr: IPV4_ANY,
  chaddr: MAC,
  serverName: '',
  bootFile: '',
  options: new Map(),
}

export function message(fields: Partial<DhcpMessage>, options: readonly Setting[] = []): DhcpMessage {
  const map = new Map<number, Uint8Array>()
  for (const [option, value] of options) setOption(map, option, value as never)
  return { ...BLANK, ...fields, options: map }
}

/** An offer or acknowledgement: of ADDRESS by SERVER for an hour in a /24, unless told otherwise. */
export function grant(
  type: 'offer' | 'ack',
  xid: number,
  fields: Partial<DhcpMessage> = {},
  options: readonly Setting[] = [],
): DhcpMessage {
  return message({ type, xid, yiaddr: ADDRESS, ...fields }, [
    setting(OPTION_SERVER_ID, SERVER),
    setting(OPTION_LEASE_TIME, 3600),
    setting(OPTION_SUBNET_MASK, ipv4('255.255.255.0')),
    ...options,
  ])
}

export function nak(xid: number, server: Ipv4 | undefined = SERVER): DhcpMessage {
  return message({ type: 'nak', xid }, server === undefined ? [] : [setting(OPTION_SERVER_ID, server)])
}

/** A client's message in a line. */
export function line(m: DhcpMessage, src: Ipv4, to: Ipv4): string {
  const part = (name: string, a: Ipv4 | undefined): string =>
    a === undefined || a === 0 ? '' : ` ${name} ${formatIpv4(a)}`
  return (
    `${m.type} ${formatIpv4(src)} > ${formatIpv4(to)}${m.broadcast ? ' B' : ''}${part('ciaddr', m.ciaddr)}` +
    part('requested', getOption(m.options, OPTION_REQUESTED_ADDRESS)) +
    part('server', getOption(m.options, OPTION_SERVER_ID))
  )
}
