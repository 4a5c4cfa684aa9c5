import { KvError } from './key.ts'

/** The life of a view of a store: calls go through until it closes; closing waits for the calls under way. */
export interface Gate {
  /** Starts `work` at once. Rejects with KvError KV_CLOSED after `close`. */
  run<T>(work: () => Promise<T>): Promise<T>
  readonly closed: boolean
  /** Aborts when the gate closes. */
  readonly signal: AbortSignal
  close(): Promise<void>
}

/** `onClosed` runs once, after the last call; its rejection is nobody's. */
export function createGate(onClosed: () => Promise<void> = async () => {}): Gate {
  const underway = new Set<Promise<unknown>>()
  const closing = new AbortController()
  let closed: Promise<void> | undefined
  const settle = async (): Promise<void> => {
    await Promise.allSettled(underway)
    await onClosed().catch(() => undefined)
  }
  return {
    async run(work) {
      if (closed) throw new KvError('KV_CLOSED')
      const call = work()
      underway.add(call)
      try {
        return await call
      } finally {
        underway.delete(call)
      }
    },
    get closed() {
      return closed !== undefined
    },
    signal: closing.signal,
    close() {
      if (!closed) {
        closed = settle()
        closing.abort()
      }
      return closed
    },
  }
}
