const LEVELS = 3
const BITS = 8
const SLOTS = 1 << BITS
/** Beyond this an entry is put where it is looked at again. */
const HORIZON = (1 << (LEVELS * BITS)) - 1
const NONE = -1
const INITIAL_IDS = 64

/**
 * One deadline for each of many small numbers: a hierarchical timing wheel with ticks of 1 ms (levels of 256 ms, 65 s, 4.7 h), whose
 * lists run through integer arrays. Arming and disarming cost the same however many are armed, and allocate nothing.
 *
 * A deadline never fires early. It may fire when it is not due: arming for later leaves an earlier entry where it is, since deadlines
 * move out with nearly every segment; who is called checks and arms again.
 */
export class TimerWheel {
  /** Entries armed. */
  size = 0
  /** What `advance` found due. */
  readonly fired: number[] = []
  /** Ticks wrap around 32 bits; `#base` is the time of `#current`. */
  #current = 0
  #base: number
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE)
  /** One bit for each list that is not empty. */
  readonly #occupied = new Int32Array((LEVELS * SLOTS) / 32)
  #next: Int32Array = new Int32Array(INITIAL_IDS).fill(NONE)
  #previous: Int32Array = new Int32Array(INITIAL_IDS).fill(NONE)
  #list: Int32Array = new Int32Array(INITIAL_IDS).fill(NONE)
  #tick: Int32Array = new Int32Array(INITIAL_IDS)

  constructor(now: number) {
    this.#base = now
  }

  /** `id` fires at `at` or before. */
  arm(id: number, at: number): void {
    if (id >= this.#list.length) this.#grow(id)
    const distance = Math.min(Math.max(1, Math.ceil(at - this.#base)), HORIZON)
    if (this.#list[id] !== NONE) {
      if (((this.#tick[id]! - this.#current) | 0) <= distance) return
      this.#unlink(id)
    }
    this.#tick[id] = this.#current + distance
    this.#link(id)
  }

  /** `id` does not fire. */
  disarm(id: number): void {
    if (id < this.#list.length && this.#list[id] !== NONE) this.#unlink(id)
  }

  /** Moves to `now` and puts into `fired` who fires on the way. */
  advance(now: number): void {
    this.fired.length = 0
    let left = Math.floor(now - this.#base)
    for (;;) {
      const step = this.#nextStep()
      if (step > left) break
      left -= step
      this.#move(step)
      if ((this.#current & (SLOTS * SLOTS - 1)) === 0)
        this.#cascade(2 * SLOTS + ((this.#current >>> (2 * BITS)) & (SLOTS - 1)))
      if ((this.#current & (SLOTS - 1)) === 0) this.#cascade(SLOTS + ((this.#current >>> BITS) & (SLOTS - 1)))
      for (
        let id = this.#heads[this.#current & (SLOTS - 1)]!;
        id !== NONE;
        id = this.#heads[this.#current & (SLOTS - 1)]!
      ) {
        this.#unlink(id)
        this.fired.push(id)
      }
    }
    if (left > 0) this.#move(left)
  }

  /** When `advance` has something to do; Infinity where nothing is armed. */
  nextAt(): number {
    return this.#base + this.#nextStep()
  }

  #move(ticks: number): void {
    this.#current = (this.#current + ticks) | 0
    this.#base += ticks
  }

  /** Ticks to the next list: of the lowest level to be fired, of the others to be spread over the level below. */
  #nextStep(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY
    let step = Number.POSITIVE_INFINITY
    for (let level = 0; level < LEVELS; level++) {
      const shift = level * BITS
      const lists = this.#distance(level, (this.#current >>> shift) & (SLOTS - 1))
      if (lists === 0) continue
      const past = this.#current & ((1 << shift) - 1)
      step = Math.min(step, lists * (1 << shift) - past)
    }
    return step
  }

  /** How many lists behind list `from` of a level, round it, the next one is that is not empty: 1..256, or 0 where all are. */
  #distance(level: number, from: number): number {
    const words = SLOTS / 32
    for (let i = 0; i <= words; i++) {
      const start = i === 0 ? from + 1 : ((from + 1) & ~31) + 32 * i
      const word = (start >>> 5) & (words - 1)
      const bits = this.#occupied[level * words + word]! & (-1 << (i === 0 ? start & 31 : 0))
      if (bits === 0) continue
      const slot = word * 32 + 31 - Math.clz32(bits & -bits)
      return ((slot - from - 1) & (SLOTS - 1)) + 1
    }
    return 0
  }

  #cascade(list: number): void {
    let id = this.#heads[list]!
    while (id !== NONE) {
      const next = this.#next[id]!
      this.#unlink(id)
      this.#link(id)
      id = next
    }
  }

  #link(id: number): void {
    const tick = this.#tick[id]!
    const distance = (tick - this.#current) | 0
    const level = distance < SLOTS ? 0 : distance < SLOTS * SLOTS ? 1 : 2
    const list = level * SLOTS + ((tick >>> (level * BITS)) & (SLOTS - 1))
    const head = this.#heads[list]!
    this.#list[id] = list
    this.#previous[id] = NONE
    this.#next[id] = head
    if (head !== NONE) this.#previous[head] = id
    this.#heads[list] = id
    this.#occupied[list >>> 5] = this.#occupied[list >>> 5]! | (1 << (list & 31))
    this.size++
  }

  #unlink(id: number): void {
    const list = this.#list[id]!
    const previous = this.#previous[id]!
    const next = this.#next[id]!
    if (previous === NONE) this.#heads[list] = next
    else this.#next[previous] = next
    if (next !== NONE) this.#previous[next] = previous
    if (this.#heads[list] === NONE) this.#occupied[list >>> 5] = this.#occupied[list >>> 5]! & ~(1 << (list & 31))
    this.#list[id] = NONE
    this.size--
  }

  #grow(id: number): void {
    const grown = (a: Int32Array): Int32Array => {
      const b = new Int32Array(Math.max(a.length * 2, id + 1)).fill(NONE)
      b.set(a)
      return b
    }
    this.#next = grown(this.#next)
    this.#previous = grown(this.#previous)
    this.#list = grown(this.#list)
    this.#tick = grown(this.#tick)
  }
}
