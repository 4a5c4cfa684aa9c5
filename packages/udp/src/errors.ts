import type { Endpoint, IpAddress } from '@fata/addr'
import type { IpReportKind } from '@fata/ip'

/** Stable; match these, not messages. More may be added in a minor version. */
export type UdpErrorCode =
  | 'ERR_UDP_CLOSED'
  | 'ERR_UDP_PORT_IN_USE'
  | 'ERR_UDP_NO_PORT'
  | 'ERR_UDP_NO_ADDRESS'
  | 'ERR_UDP_LIMIT'
  | 'ERR_UDP_BROADCAST'
  | 'ERR_UDP_FAMILY'
  | 'ERR_UDP_TOO_LONG'
  | 'ERR_UDP_UNREACHABLE'
  | 'ERR_UDP_REFUSED'

/** What is known beside the code where the network reported the error. */
export interface UdpErrorDetails extends ErrorOptions {
  /** Where the datagram was sent. */
  readonly remote?: Endpoint
  /** Who reports it: a router, the other host, or an address of this one. */
  readonly reporter?: IpAddress
  /** What the report says. */
  readonly kind?: IpReportKind
  /** With `'packet-too-big'`: bytes of IP packet that fit; 0 where the router did not say. */
  readonly mtu?: number
}

/** A socket cannot be made, a datagram cannot be sent, or one that was sent has not arrived. */
export class UdpError extends Error {
  override readonly name = 'UdpError'
  readonly code: UdpErrorCode
  readonly remote: Endpoint | undefined
  readonly reporter: IpAddress | undefined
  readonly kind: IpReportKind | undefined
  readonly mtu: number | undefined

  constructor(code: UdpErrorCode, message: string, details: UdpErrorDetails = {}) {
    super(message, details)
    this.code = code
    this.remote = details.remote
    this.reporter = details.reporter
    this.kind = details.kind
    this.mtu = details.mtu
  }
}
