/** For every operation that may wait. */
export interface FlowOptions {
  /** Gives up waiting: the promise rejects with the signal's reason and the flow stays as it is. */
  readonly signal?: AbortSignal | undefined
}

/**
 * A reliable byte stream with two directions that end independently.
 *
 * Operations that fail because of the other end or the way to it reject with an error of the implementation that has a stable `code`;
 * after that every read and write rejects with the same error.
 */
export interface Flow extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /**
   * The next bytes, at least one, or null at the end of the stream, and null ever after. The chunk belongs to the caller. Concurrent
   * reads are served in order. Bytes that arrived before an error can be read before it is reported.
   */
  read(options?: FlowOptions): Promise<Uint8Array | null>

  /**
   * Appends `chunk` to what is sent. Resolves when the flow is ready for more, which does not say that the bytes have arrived: await it
   * for back-pressure. The chunk belongs to the flow from the call on and must not be modified any more. Concurrent writes keep
   * their order. A write that is aborted while it waits for room has still been accepted. Rejects with `ERR_FLOW_CLOSED` after `shutdown` or `close`.
   */
  write(chunk: Uint8Array, options?: FlowOptions): Promise<void>

  /** Ends the sending direction when everything written has been sent: the peer reads its end. Reading goes on. Idempotent. */
  shutdown(): Promise<void>

  /**
   * Ends both directions: what was written is still sent, what arrives is discarded. Resolves when the peer has everything or the flow
   * has failed; never rejects. Idempotent.
   */
  close(): Promise<void>

  /** Ends both directions at once; the peer sees an error. Pending operations reject with `reason`. Idempotent. */
  abort(reason?: unknown): void
}
