/** Stable; match these, not messages. More may be added in a minor version. */
export type ArpErrorCode = 'ERR_ARP_CLOSED' | 'ERR_ARP_FULL'

/** ARP cannot do what was asked. That a neighbour does not answer is no error but an answer. */
export class ArpError extends Error {
  override readonly name = 'ArpError'
  readonly code: ArpErrorCode

  constructor(code: ArpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
