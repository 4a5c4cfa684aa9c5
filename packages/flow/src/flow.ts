/** For every operation that may wait. */
export interface FlowOptions {
  /**
   * Gives up waiting: the promise rejects with the signal's reason and the flow stays as it is. With a signal that is aborted already
   * nothing is done.
   */
  readonly signal?: AbortSignal | undefined
}

/**
 * A reliable byte stream with two directions that end independently.
 *
 * A flow fails where the other end or the way to it does, or by `abort`. From then on every read and write rejects with the same
 * error, which has a stable `code` of the implementation (or is the reason of `abort`); a direction of reading that has reached its end
 * stays at null.
 */
export interface Flow extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /**
   * The next bytes, at least one, or null at the end of the stream, and null ever after. The bytes of the chunk belong to the caller;
   * the buffer behind them may be shared and must not be transferred. Concurrent reads are served in order. Bytes that arrived before
   * the peer or the way failed can be read before the error is reported.
   */
  read(options?: FlowOptions): Promise<Uint8Array | null>

  /**
   * Appends `chunk` to what is sent. Resolves when the flow is ready for more, which does not say that the bytes have arrived: await it
   * for back-pressure. The chunk belongs to the flow from the call on and must not be modified any more. Concurrent writes keep
   * their order. A write that is aborted while it waits for room has still been accepted. Rejects with `ERR_FLOW_CLOSED` after `shutdown` or `close`.
   */
  write(chunk: Uint8Array, options?: FlowOptions): Promise<void>

  /**
   * Ends the sending direction when everything written has been sent: the peer reads its end. Reading goes on. Resolves when all is
   * sent, at the latest when the peer has it; rejects where the flow fails before. Idempotent.
   */
  shutdown(): Promise<void>

  /**
   * Ends both directions: what was written is still sent, what arrives is discarded, and reads, pending ones included, give null.
   * Resolves when the peer has everything or the flow has failed; never rejects. Idempotent. `Symbol.asyncDispose` is the same.
   */
  close(): Promise<void>

  /**
   * Ends both directions at once, discarding what is not sent and not read; the peer sees an error. Pending and later reads and writes
   * reject with `reason`, by default with an error of the implementation. Never throws. Idempotent.
   */
  abort(reason?: unknown): void

  /** What `read` gives, until null. Leaving the loop early leaves the flow as it is. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void>
}
