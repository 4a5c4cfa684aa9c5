/** Calls back when nothing has happened for a while; as the timers of Node's sockets it keeps no process alive. */
export class IdleTimer {
  #timeout: NodeJS.Timeout | undefined

  /** Starts, or starts again with another time; 0 stops. */
  set(ms: number, fn: () => void): void {
    clearTimeout(this.#timeout)
    // eslint-disable-next-line no-restricted-globals -- the runtime has no timers that let the process end
    this.#timeout = ms === 0 ? undefined : setTimeout(fn, ms).unref()
  }

  /** Something has happened. */
  refresh(): void {
    this.#timeout?.refresh()
  }
}
