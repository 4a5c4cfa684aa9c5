/** A call that is to come. `index` is its place in the queue, -1 when it is in none. */
export interface Entry {
  readonly at: number
  readonly order: number
  readonly fn: () => void
  index: number
}

/** A binary heap by (at, order). */
export class TimerQueue {
  readonly #entries: Entry[] = []

  get first(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    this.#up(entry, this.#entries.length)
  }

  /** Takes `entry` out; nothing where it is in no queue. */
  remove(entry: Entry): void {
    const { index } = entry
    if (index < 0) return
    entry.index = -1
    const last = this.#entries.pop()!
    if (last === entry) return
    this.#down(last, index)
    this.#up(last, last.index)
  }

  #place(entry: Entry, i: number): void {
    this.#entries[i] = entry
    entry.index = i
  }

  #up(entry: Entry, from: number): void {
    let i = from
    for (let parent = (i - 1) >> 1; i > 0 && before(entry, this.#entries[parent]!); parent = (i - 1) >> 1) {
      this.#place(this.#entries[parent]!, i)
      i = parent
    }
    this.#place(entry, i)
  }

  #down(entry: Entry, from: number): void {
    const e = this.#entries
    let i = from
    for (let child = 2 * i + 1; child < e.length; child = 2 * i + 1) {
      if (child + 1 < e.length && before(e[child + 1]!, e[child]!)) child++
      if (!before(e[child]!, entry)) break
      this.#place(e[child]!, i)
      i = child
    }
    this.#place(entry, i)
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
