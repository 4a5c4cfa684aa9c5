/**
 * Stable; match these, not messages. More may be added in a minor version. Implementations have further codes, under a prefix of their own.
 */
export type FlowErrorCode = 'ERR_FLOW_CLOSED' | 'ERR_FLOW_ABORTED' | 'ERR_FLOW_RESET' | 'ERR_FLOW_TOO_LONG'

/** The flow cannot do what was asked, whatever carries it. */
export class FlowError extends Error {
  override readonly name = 'FlowError'
  readonly code: FlowErrorCode

  constructor(code: FlowErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
