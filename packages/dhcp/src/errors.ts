/** Stable; match these, not messages. More may be added in a minor version. */
export type DhcpErrorCode =
  | 'ERR_DHCP_CLOSED'
  | 'ERR_DHCP_RELEASED'
  | 'ERR_DHCP_BUSY'
  | 'ERR_DHCP_TIMEOUT'
  | 'ERR_DHCP_STORE'

/** DHCP cannot do what was asked. */
export class DhcpError extends Error {
  override readonly name = 'DhcpError'
  readonly code: DhcpErrorCode

  constructor(code: DhcpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether `error` is a stable one of a layer below or of a store, which an operation may meet at any time. */
export function isOperational(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^(ERR|KV)_/.test(code)
}
