import { type Endpoint, formatEndpoint, type Ipv4, type Ipv6, ip } from '@fata/addr'
import { concatBytes } from '@fata/bytes'
import { createFlowPair } from '@fata/flow'
import type { VirtualRuntime } from '@fata/runtime'
import { frame } from '../../src/framing.ts'
import type { DnsTcp, DnsUdp } from '../../src/index.ts'
import { type DnsRecord, decode, encode, type Message } from '../../src/wire.ts'

/** What a server does with a question: answers, sends bytes, says nothing, or the network reports an error. */
export type Reply = Message | Uint8Array | undefined | 'refused' | 'unreachable'
export type Handler = (query: Message, via: 'udp' | 'tcp') => Reply

export function a(name: string, address: string, ttl = 300): DnsRecord {
  return { name, ttl, type: 'A', address: ip(address) as Ipv4 }
}

export function aaaa(name: string, address: string, ttl = 300): DnsRecord {
  return { name, ttl, type: 'AAAA', address: ip(address) as Ipv6 }
}

export function cname(name: string, target: string, ttl = 300): DnsRecord {
  return { name, ttl, type: 'CNAME', target }
}

export function soa(name: string, ttl = 300, minimum = 300): DnsRecord {
  return { name, ttl, type: 'SOA', mname: 'ns', rname: 'root', serial: 1, refresh: 1, retry: 1, expire: 1, minimum }
}

/** An answer of a recursive server; `change` overrides. */
export function reply(query: Message, answers: readonly DnsRecord[] = [], change: Partial<Message> = {}): Message {
  return { ...query, response: true, recursionAvailable: true, answers, ...change }
}

export function bytesOf(m: Message): Uint8Array {
  const buf = new Uint8Array(65535)
  return buf.slice(0, encode(buf, 0, buf.length, m))
}

/** A server with these records. */
export function zone(records: readonly DnsRecord[]): Handler {
  return (query) => {
    const { name, type } = query.questions[0]!
    const same = (r: DnsRecord): boolean => r.name.toLowerCase() === name.toLowerCase()
    const answers = records.filter((r) => same(r) && (r.type === type || r.type === 'CNAME'))
    if (answers.length > 0) return reply(query, answers)
    return reply(query, [], { rcode: records.some(same) ? 0 : 3, authorities: [soa('test')] })
  }
}

/** Servers in virtual time, 5 ms away. */
export class Network {
  readonly #runtime: VirtualRuntime
  readonly servers = new Map<string, Handler>()
  /** One line for each question: time, way, server, name and type. */
  readonly log: string[] = []
  readonly queries: Message[] = []
  /** How far away a server is, where it is not 5 ms. */
  readonly delays = new Map<string, number>()
  openSockets = 0
  openFlows = 0
  /** Bytes of each piece in which TCP delivers. */
  piece = 65536

  constructor(runtime: VirtualRuntime) {
    this.#runtime = runtime
  }

  #ask(server: Endpoint, bytes: Uint8Array, via: 'udp' | 'tcp'): Reply {
    const query = decode(bytes, 0, bytes.length)
    if (typeof query === 'string') throw new Error(`the query is ${query}`)
    const { name, type } = query.questions[0]!
    this.log.push(`${this.#runtime.clock.now()}: ${via} ${formatEndpoint(server)} ${name} ${type}`)
    this.queries.push(query)
    const handler = this.servers.get(formatEndpoint(server))
    return handler === undefined ? undefined : handler(query, via)
  }

  #later(server: Endpoint, fn: () => void): void {
    const delay = this.delays.get(formatEndpoint(server)) ?? 5
    this.#runtime.clock.schedule(this.#runtime.clock.now() + delay, fn)
  }

  readonly udp: DnsUdp = {
    bind: ({ remote, onMessage, onError }) => {
      this.openSockets++
      let open = true
      return {
        send: (data) => {
          const answer = this.#ask(remote, data, 'udp')
          if (answer === undefined) return
          this.#later(remote, () => {
            if (!open) return
            if (typeof answer === 'string')
              return onError(Object.assign(new Error(answer), { code: `ERR_UDP_${answer.toUpperCase()}` }))
            const bytes = answer instanceof Uint8Array ? answer : bytesOf(answer)
            onMessage(concatBytes([new Uint8Array(3), bytes]), 3, 3 + bytes.length, { src: remote })
          })
        },
        close: async () => {
          if (open) this.openSockets--
          open = false
        },
      }
    },
  }

  readonly tcp: DnsTcp = {
    connect: async (to, { signal }) => {
      signal.throwIfAborted()
      this.openFlows++
      const { a: client, b: server } = createFlowPair({ chunkBytes: this.piece })
      const closed = (): void => void this.openFlows--
      void this.#serve(to, server).catch(() => {})
      return {
        read: (options) => client.read(options),
        write: (chunk, options) => client.write(chunk, options),
        close() {
          closed()
          return client.close()
        },
        abort(reason) {
          closed()
          client.abort(reason)
        },
      }
    },
  }

  async #serve(address: Endpoint, flow: ReturnType<typeof createFlowPair>['b']): Promise<void> {
    let bytes: Uint8Array = new Uint8Array(0)
    while (bytes.length < 2 || bytes.length < 2 + bytes[0]! * 256 + bytes[1]!) {
      const chunk = await flow.read()
      if (chunk === null) return
      bytes = concatBytes([bytes, chunk])
    }
    const answer = this.#ask(address, bytes.subarray(2), 'tcp')
    if (answer === undefined) return
    this.#later(address, () => {
      if (typeof answer === 'string') flow.abort()
      else void flow.write(frame(answer instanceof Uint8Array ? answer : bytesOf(answer))).catch(() => {})
    })
  }
}
