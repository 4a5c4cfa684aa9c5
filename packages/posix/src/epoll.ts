import { CONSTANTS as C } from './constants.ts'
import { PosixError } from './errno.ts'
import type { SocketFile } from './file.ts'
import { Readiness } from './waiting.ts'

/** One event of epoll_wait(2); `data` is what epoll_ctl(2) was given. */
export interface EpollEvent {
  readonly events: number
  readonly data: number
}

interface Item {
  readonly file: SocketFile
  events: number
  data: number
  /** Edge-triggered: something has happened since it was last reported. */
  fresh: boolean
  /** One-shot, and has been reported. */
  spent: boolean
  readonly stop: () => void
}

/** Reported whether asked for or not. */
const ALWAYS = C.EPOLLERR | C.EPOLLHUP
const has = (events: number, bit: number): boolean => (events & bit) !== 0

/** An epoll instance: level-triggered, edge-triggered, one-shot. */
export class EpollFile extends Readiness {
  readonly kind = 'epoll'
  statusFlags: number = C.O_RDWR
  readonly #items = new Map<number, Item>()

  control(op: number, fd: number, file: SocketFile, event: EpollEvent | undefined): void {
    const item = this.#items.get(fd)
    if (op === C.EPOLL_CTL_DEL) {
      if (item === undefined) throw new PosixError('ENOENT')
      this.forget(fd)
      return
    }
    if (event === undefined) throw new PosixError('EFAULT')
    if (op === C.EPOLL_CTL_MOD) {
      if (item === undefined) throw new PosixError('ENOENT')
      Object.assign(item, { events: event.events, data: event.data, fresh: true, spent: false })
    } else if (op === C.EPOLL_CTL_ADD) {
      if (item !== undefined) throw new PosixError('EEXIST')
      this.#add(fd, file, event)
    } else {
      throw new PosixError('EINVAL')
    }
    this.wake(C.EPOLLIN)
  }

  /** A descriptor was closed. */
  forget(fd: number): void {
    this.#items.get(fd)?.stop()
    this.#items.delete(fd)
  }

  /** Takes up to `most` events that are up; each counts as reported. */
  take(most: number): EpollEvent[] {
    const taken: EpollEvent[] = []
    for (const item of this.#items.values()) {
      if (taken.length >= most) break
      const up = this.#up(item)
      if (up === 0) continue
      taken.push({ events: up, data: item.data })
      item.fresh = false
      if (has(item.events, C.EPOLLONESHOT)) item.spent = true
    }
    return taken
  }

  get isReady(): boolean {
    return [...this.#items.values()].some((item) => this.#up(item) !== 0)
  }

  poll(): number {
    return this.isReady ? C.POLLIN : 0
  }

  #add(fd: number, file: SocketFile, event: EpollEvent): void {
    const item: Item = {
      file,
      events: event.events,
      data: event.data,
      fresh: true,
      spent: false,
      stop: file.watch((events) => {
        if ((events & (item.events | ALWAYS)) === 0) return
        item.fresh = true
        this.wake(C.EPOLLIN)
      }),
    }
    this.#items.set(fd, item)
  }

  #up(item: Item): number {
    if (item.spent || (has(item.events, C.EPOLLET) && !item.fresh)) return 0
    return item.file.poll() & (item.events | ALWAYS) & 0xffff
  }
}
