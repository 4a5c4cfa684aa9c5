import type { Endpoint } from '@fata/addr'

/** Stable; match these, not messages. More may be added in a minor version. */
export type HappyEyeballsErrorCode = 'ERR_HAPPY_EYEBALLS_NO_ADDRESS' | 'ERR_HAPPY_EYEBALLS_FAILED'

/** One query for addresses, or one attempt to connect, that came to nothing. */
export type Failure =
  | { readonly kind: 'resolve'; readonly family: 4 | 6; readonly error: unknown }
  | { readonly kind: 'connect'; readonly endpoint: Endpoint; readonly error: unknown }

/** There was no connection; `failures` says why, in the order in which it became known, and `cause` is the first of their errors. */
export class HappyEyeballsError extends Error {
  override readonly name = 'HappyEyeballsError'
  readonly code: HappyEyeballsErrorCode
  readonly failures: readonly Failure[]

  constructor(code: HappyEyeballsErrorCode, message: string, failures: readonly Failure[]) {
    super(message, failures.length === 0 ? {} : { cause: failures[0]!.error })
    this.code = code
    this.failures = failures
  }
}
