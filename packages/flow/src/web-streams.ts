import type { Flow } from './flow.ts'

/** A flow's two directions as Web Streams. */
export interface WebStreams {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

/**
 * Makes Web Streams of a flow; nothing is read before it is asked for. Closing `writable` shuts the sending direction down, cancelling
 * `readable` or aborting `writable` aborts the flow with that reason.
 */
export function toWebStreams(flow: Flow): WebStreams {
  return {
    readable: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const chunk = await flow.read()
          if (chunk === null) controller.close()
          else controller.enqueue(chunk)
        },
        cancel: (reason) => flow.abort(reason),
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream<Uint8Array>({
      start({ signal }) {
        // The sink's own abort would come only after a write or shutdown that waits.
        signal.addEventListener('abort', () => flow.abort(signal.reason))
      },
      write: (chunk) => flow.write(chunk),
      close: () => flow.shutdown(),
    }),
  }
}
