import type { Endpoint } from '@fata/addr'
import type { Random } from '@fata/runtime'
import type { ResolverSettings } from '../options.ts'
import type { OutgoingQuery } from '../types.ts'
import { nameEquals } from '../wire/name.ts'
import { CLASS_IN, type Message, type QueryType, RCODES } from '../wire/types.ts'
import { interpret, type Outcome, type ServerFailure } from './answer.ts'
import type { Servers } from './servers.ts'

/** Why a message is not taken. */
export type Ignored = 'not-an-answer' | 'wrong-id' | 'wrong-question' | 'unexpected'

/** Why no server has answered. */
export type ExchangeFailure = ServerFailure | 'timeout' | 'unreachable'

export type ExchangeOutput =
  | ({ readonly kind: 'udp' | 'tcp' } & OutgoingQuery)
  /** Nothing more is expected from this attempt. */
  | { readonly kind: 'end'; readonly attempt: number }

/** What an exchange shares with the others. */
export interface ExchangeContext {
  readonly settings: ResolverSettings
  readonly random: Random
  readonly servers: Servers
  readonly hasTcp: boolean
  readonly out: { push(output: ExchangeOutput): void }
  nextAttempt(): number
  timedOut(): void
}

interface Attempt {
  readonly server: Endpoint
  readonly query: Message
  readonly tcp: boolean
}

/**
 * One question on its way through the servers: each is asked in turn, some times over; who answers, well or badly, is not asked again. Answers
 * that come when the next server has been asked already still count.
 *
 *     UDP -> answer | TC -> TCP | FORMERR, NOTIMP, BADVERS -> UDP without EDNS | failure -> next server | timeout -> next server
 */
export class Exchange {
  readonly name: string
  readonly type: QueryType
  /** Lookups that wait for it. */
  readonly waiters: Set<number> = new Set<number>()
  result: Outcome | ExchangeFailure | undefined
  deadline: number = Number.POSITIVE_INFINITY
  readonly #context: ExchangeContext
  readonly #left: Endpoint[]
  #turn = 0
  #round = 0
  readonly #attempts = new Map<number, Attempt>()
  #failure: ExchangeFailure = 'timeout'
  #latest = -1

  constructor(context: ExchangeContext, name: string, type: QueryType, now: number) {
    this.#context = context
    this.name = name
    this.type = type
    this.#left = context.servers.inOrder(now)
    this.#ask(now)
  }

  has(attempt: number): boolean {
    return this.#attempts.has(attempt)
  }

  /** A message has come for an attempt that is under way. Returns why it was ignored (RFC 5452 §9). */
  receive(now: number, number: number, m: Message): Ignored | undefined {
    const attempt = this.#attempts.get(number)
    if (attempt === undefined) return 'unexpected'
    const { query, server, tcp } = attempt
    if (!m.response || m.opcode !== query.opcode) return 'not-an-answer'
    if (m.id !== query.id) return 'wrong-id'
    if (!this.#answersQuestion(m, query)) return 'wrong-question'
    this.#context.servers.answered(server)
    if (query.edns !== undefined && refusesEdns(m)) {
      this.#context.servers.refusesEdns(server)
      this.#again(now, number, attempt, tcp)
    } else if (m.truncated && !tcp && this.#context.hasTcp) {
      this.#again(now, number, attempt, true)
    } else {
      const outcome = m.truncated ? 'bad-answer' : interpret(m, this.name, this.type, this.#context.settings.maxAliases)
      if (typeof outcome === 'string') this.fail(now, number, outcome)
      else this.#finish(outcome)
    }
    return undefined
  }

  /** An attempt has failed for good: its server is not asked again. */
  fail(now: number, number: number, reason: ExchangeFailure): void {
    const attempt = this.#attempts.get(number)
    if (attempt === undefined) return
    this.#end(number)
    this.#failure = reason
    const index = this.#left.indexOf(attempt.server)
    if (index >= 0) this.#left.splice(index, 1)
    if (index >= 0 && index < this.#turn) this.#turn--
    if (this.#left.length === 0) this.#finish(reason)
    else if (number === this.#latest) this.#ask(now)
  }

  /**
   * The network does not reach the server at the moment, which may pass, and is easily forged: the next one is asked at once, and where there is none
   * in this round, an answer is waited for all the same.
   */
  doubt(now: number, number: number): void {
    if (!this.#attempts.has(number)) return
    this.#failure = 'unreachable'
    if (number !== this.#latest || this.#turn + 1 >= this.#left.length) return
    this.#turn++
    this.#ask(now)
  }

  timeout(now: number): void {
    if (this.deadline > now || this.result !== undefined) return
    const attempt = this.#attempts.get(this.#latest)!
    this.#context.timedOut()
    this.#context.servers.didNotAnswer(attempt.server, now)
    if (attempt.tcp) this.fail(now, this.#latest, 'timeout')
    else {
      this.#turn++
      this.#ask(now)
    }
  }

  /** Ends what is under way without a result. */
  cancel(): void {
    for (const number of this.#attempts.keys()) this.#end(number)
    this.deadline = Number.POSITIVE_INFINITY
  }

  /** Some servers leave the question out of answers that say that they did not understand it. */
  #answersQuestion(m: Message, query: Message): boolean {
    const [asked, got] = [query.questions[0]!, m.questions[0]]
    if (got === undefined) return m.rcode === RCODES.formErr || m.rcode === RCODES.notImp
    const sameName = this.#context.settings.mixCase ? got.name === asked.name : nameEquals(got.name, asked.name)
    return m.questions.length === 1 && sameName && got.type === asked.type && got.class === asked.class
  }

  #ask(now: number): void {
    if (this.#turn >= this.#left.length) {
      this.#turn = 0
      this.#round++
    }
    if (this.#round >= this.#context.settings.tries) this.#finish(this.#failure)
    else this.#send(now, this.#left[this.#turn]!, false)
  }

  /** Asks the same server once more, in another way. */
  #again(now: number, number: number, attempt: Attempt, tcp: boolean): void {
    this.#end(number)
    // Where another server is being asked by now, this one's turn comes again by itself.
    if (number === this.#latest || tcp) this.#send(now, attempt.server, tcp)
  }

  #send(now: number, server: Endpoint, tcp: boolean): void {
    const { settings, out } = this.#context
    const attempt = this.#context.nextAttempt()
    const query = this.#query(server)
    this.#attempts.set(attempt, { server, query, tcp })
    this.#latest = attempt
    this.deadline = now + (tcp ? settings.tcpTimeoutMs : settings.timeoutMs * 2 ** this.#round)
    out.push({ kind: tcp ? 'tcp' : 'udp', attempt, server, query })
  }

  #query(server: Endpoint): Message {
    const { settings, random, servers } = this.#context
    const name = settings.mixCase ? mixCase(this.name, random) : this.name
    const edns = settings.udpPayloadBytes > 512 && servers.takesEdns(server)
    return {
      ...{ id: random.uint32() & 0xffff, response: false, opcode: 0, authoritative: false, truncated: false },
      ...{ recursionDesired: true, recursionAvailable: false, authenticData: false, checkingDisabled: false, rcode: 0 },
      questions: [{ name, type: this.type, class: CLASS_IN }],
      ...{ answers: [], authorities: [], additionals: [] },
      edns: edns ? { udpPayload: settings.udpPayloadBytes, version: 0, dnssecOk: false, options: [] } : undefined,
    }
  }

  #end(number: number): void {
    this.#attempts.delete(number)
    this.#context.out.push({ kind: 'end', attempt: number })
  }

  #finish(result: Outcome | ExchangeFailure): void {
    this.result = result
    this.cancel()
  }
}

/** RFC 6891 §6.1.3 and §7. */
function refusesEdns({ rcode }: Message): boolean {
  return rcode === RCODES.formErr || rcode === RCODES.notImp || rcode === RCODES.badVers
}

/** Every letter in upper or lower case at random: bits that a forger must guess. */
function mixCase(name: string, random: Random): string {
  return name.replace(/[a-z]/gi, (c) => ((random.uint32() & 1) === 0 ? c.toLowerCase() : c.toUpperCase()))
}
