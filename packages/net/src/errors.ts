/** Stable; match these, not messages. More may be added in a minor version. */
export type NetErrorCode =
  | 'ERR_NET_CLOSED'
  | 'ERR_NET_FRAME_TOO_LONG'
  | 'ERR_NET_OPEN'
  | 'ERR_NET_PERMISSION'
  | 'ERR_NET_UNSUPPORTED'

/** A device cannot do what was asked. */
export class NetError extends Error {
  override readonly name = 'NetError'
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
