/** Stable; match these, not messages. Implementations add codes of their own under their own prefix. */
export type FlowErrorCode = 'ERR_FLOW_CLOSED'

/** The flow cannot do what was asked, whatever carries it. */
export class FlowError extends Error {
  override readonly name = 'FlowError'
  readonly code: FlowErrorCode

  constructor(code: FlowErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
