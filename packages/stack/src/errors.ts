/** Stable; match these, not messages. More may be added in a minor version. */
export type StackErrorCode =
  | 'ERR_STACK_ARGUMENT'
  | 'ERR_STACK_CONFIG'
  | 'ERR_STACK_NO_LEASE'
  | 'ERR_STACK_UNSUPPORTED'
  | 'ERR_STACK_CLOSED'

/** A stack cannot be made, or used, as it was described. The message is one line, fit to be shown to who typed the arguments. */
export class StackError extends Error {
  override readonly name = 'StackError'
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
