/** Stable; match these, not messages. More may be added in a minor version. */
export type IpErrorCode =
  | 'ERR_IP_NO_ROUTE'
  | 'ERR_IP_NO_SOURCE'
  | 'ERR_IP_FAMILY'
  | 'ERR_IP_WOULD_FRAGMENT'
  | 'ERR_IP_TOO_LONG'
  | 'ERR_IP_DUPLICATE_ADDRESS'

/** A packet cannot be sent. */
export class IpError extends Error {
  override readonly name = 'IpError'
  readonly code: IpErrorCode

  constructor(code: IpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
