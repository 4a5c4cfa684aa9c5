import { IPV4_ANY, type Ipv4, type Mac } from '@fata/addr'
import { equalBytes } from '@fata/bytes'
import type { DhcpMessage, DhcpMessageType } from '../wire/message.ts'
import { setOption } from '../wire/option.ts'
import type { OptionMap } from '../wire/option-area.ts'
import {
  OPTION_CLIENT_ID,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MAX_MESSAGE_SIZE,
  OPTION_MESSAGE,
  OPTION_PARAMETERS,
  OPTION_REQUESTED_ADDRESS,
  OPTION_SERVER_ID,
  OPTION_VENDOR_CLASS,
} from '../wire/options.ts'

/** Who the client is and what it wants, in every message the same. */
export interface ClientIdentity {
  readonly mac: Mac
  readonly clientId: Uint8Array | undefined
  readonly hostName: string | undefined
  readonly vendorClass: string | undefined
  readonly parameters: readonly number[]
  readonly maxMessageSize: number
  readonly leaseSeconds: number | undefined
  readonly broadcast: boolean
}

/** What differs from message to message. */
export interface ClientFields {
  readonly xid: number
  readonly secs?: number
  readonly ciaddr?: Ipv4
  readonly requested?: Ipv4 | undefined
  readonly server?: Ipv4 | undefined
  readonly message?: string
}

/** Whether a message is to this client. A server that says for whom it is must mean all of it (RFC 6842 §3). */
export function isFor({ chaddr, options }: DhcpMessage, { mac, clientId }: ClientIdentity): boolean {
  if (chaddr !== mac) return false
  const id = options.get(OPTION_CLIENT_ID.code)
  return id === undefined || clientId === undefined || equalBytes(id, clientId)
}

/** A message of a client: the fields and options that table 5 of RFC 2131 §4.4.1 has for its type, in that order. */
export function clientMessage(type: DhcpMessageType, who: ClientIdentity, fields: ClientFields): DhcpMessage {
  const options: OptionMap = new Map()
  const asks = type === 'discover' || type === 'request'
  const wants = asks || type === 'inform'
  setOption(options, OPTION_CLIENT_ID, who.clientId)
  setOption(options, OPTION_REQUESTED_ADDRESS, fields.requested)
  if (asks) setOption(options, OPTION_LEASE_TIME, who.leaseSeconds)
  setOption(options, OPTION_SERVER_ID, fields.server)
  if (wants) {
    setOption(options, OPTION_PARAMETERS, who.parameters)
    setOption(options, OPTION_MAX_MESSAGE_SIZE, who.maxMessageSize)
    setOption(options, OPTION_HOST_NAME, who.hostName)
    setOption(options, OPTION_VENDOR_CLASS, who.vendorClass)
  } else setOption(options, OPTION_MESSAGE, fields.message)
  const ciaddr = fields.ciaddr ?? IPV4_ANY
  return {
    type,
    hops: 0,
    xid: fields.xid,
    secs: Math.min(fields.secs ?? 0, 0xffff),
    // RFC 2131 §4.1: who has an address hears unicasts to it.
    broadcast: wants && who.broadcast && ciaddr === IPV4_ANY,
    ciaddr,
    yiaddr: IPV4_ANY,
    siaddr: IPV4_ANY,
    giaddr: IPV4_ANY,
    chaddr: who.mac,
    serverName: '',
    bootFile: '',
    options,
  }
}
