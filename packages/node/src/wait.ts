/** Waits until `ready()` when it is asked, by one of `watchers`, or the signal is aborted. Not ready and not aborted yet. */
export function waitFor(
  watchers: Set<() => void>,
  ready: () => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      watchers.delete(watcher)
      signal?.removeEventListener('abort', onAbort)
    }
    const watcher = (): void => {
      if (!ready()) return
      leave()
      resolve()
    }
    const onAbort = (): void => {
      leave()
      reject(signal?.reason)
    }
    watchers.add(watcher)
    signal?.addEventListener('abort', onAbort)
  })
}
