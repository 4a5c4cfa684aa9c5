import { formatIp, type IpAddress } from '@fata/addr'
import { putU32 } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import { createSipHash } from '../siphash.ts'
import { putTuple, TUPLE_WORDS } from '../tuple.ts'

const COOKIE_BYTES = 8
/** Servers whose cookies are kept; the one that was learnt first gives way. */
const MOST_KEPT = 1024
/** How long a server is spared that did not answer a SYN with the option. */
const BLOCK_MS = 3_600_000

/** What a client keeps of a server. */
export interface KnownServer {
  readonly cookie: Uint8Array
  readonly mss: number
}

/** The cookies that this host gives, and those that it was given: RFC 7413 §4.1.2, §4.1.3. */
export class FastOpenCookies {
  readonly #hash
  readonly #words = new Int32Array(TUPLE_WORDS + 1)
  readonly #known = new Map<string, KnownServer>()
  readonly #blocked = new Map<string, number>()

  constructor(random: Random) {
    this.#hash = createSipHash(random)
  }

  /** What clients at `remote` must show. */
  cookieOf(local: IpAddress, remote: IpAddress): Uint8Array {
    const n = putTuple(this.#words, local, 0, remote, 0)
    const cookie = new Uint8Array(COOKIE_BYTES)
    for (let half = 0; half < 2; half++) {
      this.#words[n] = half
      putU32(cookie, 4 * half, this.#hash.hash(this.#words, n + 1))
    }
    return cookie
  }

  /** What is known of a server; undefined for nothing. */
  find(remote: IpAddress, now: number): KnownServer | 'blocked' | undefined {
    const key = formatIp(remote)
    const until = this.#blocked.get(key)
    if (until !== undefined && now < until) return 'blocked'
    return this.#known.get(key)
  }

  learn(remote: IpAddress, cookie: Uint8Array, mss: number): void {
    keep(this.#known, formatIp(remote), { cookie, mss })
  }

  block(remote: IpAddress, now: number): void {
    keep(this.#blocked, formatIp(remote), now + BLOCK_MS)
  }
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MOST_KEPT) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
