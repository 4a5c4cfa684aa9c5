import { type Endpoint, formatEndpoint } from '@fata/addr'

/** What is known of the servers. */
export class Servers {
  readonly #penaltyMs: number
  #all: readonly Endpoint[] = []
  /** Until when a server that did not answer comes last. */
  readonly #penalties = new Map<string, number>()
  readonly #plain = new Set<string>()

  constructor(penaltyMs: number) {
    this.#penaltyMs = penaltyMs
  }

  set(servers: readonly Endpoint[]): void {
    this.#all = servers
    this.#penalties.clear()
    this.#plain.clear()
  }

  /** In the order in which they are to be asked. */
  inOrder(now: number): Endpoint[] {
    const penalized = (s: Endpoint): boolean => (this.#penalties.get(formatEndpoint(s)) ?? now) > now
    return [...this.#all.filter((s) => !penalized(s)), ...this.#all.filter(penalized)]
  }

  didNotAnswer(server: Endpoint, now: number): void {
    if (this.#all.includes(server)) this.#penalties.set(formatEndpoint(server), now + this.#penaltyMs)
  }

  answered(server: Endpoint): void {
    this.#penalties.delete(formatEndpoint(server))
  }

  /** It does not understand EDNS (RFC 6891 §7). */
  refusesEdns(server: Endpoint): void {
    if (this.#all.includes(server)) this.#plain.add(formatEndpoint(server))
  }

  takesEdns(server: Endpoint): boolean {
    return !this.#plain.has(formatEndpoint(server))
  }
}
