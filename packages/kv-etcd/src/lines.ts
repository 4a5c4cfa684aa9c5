import type { EtcdBody } from './options.ts'

/** The lines of a stream, until it ends or the signal aborts. The last need not be whole and is left out. */
export async function* lines(body: EtcdBody, signal: AbortSignal): AsyncGenerator<string, void> {
  const reader = body.getReader()
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  const decoder = new TextDecoder()
  let rest: string[] = []
  try {
    for (;;) {
      signal.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) return
      const parts = decoder.decode(value, { stream: true }).split('\n')
      for (const part of parts.slice(0, -1)) {
        const line = rest.join('') + part
        rest = []
        if (line !== '') yield line
      }
      rest.push(parts.at(-1)!)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}
