import { nameEquals } from '../wire/name.ts'
import { type DnsRecord, type Message, type QueryType, RCODES } from '../wire/types.ts'

/** Why a server's answer is none. */
export type ServerFailure = 'servfail' | 'refused' | 'bad-answer'

/** What an answer says about a name. `ttl` is seconds. */
export type Outcome =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[]; readonly ttl: number }
  /** It is an alias for a name that the answer says nothing about. */
  | { readonly kind: 'alias'; readonly target: string; readonly aliases: number; readonly ttl: number }
  | { readonly kind: 'no-data'; readonly ttl: number }
  | { readonly kind: 'not-found'; readonly ttl: number }

/** Reads an answer to a question for `type` records of `name`, following at most `maxAliases` aliases. */
export function interpret(m: Message, name: string, type: QueryType, maxAliases: number): Outcome | ServerFailure {
  if (m.rcode === RCODES.servFail) return 'servfail'
  if (m.rcode === RCODES.refused) return 'refused'
  if (m.rcode !== RCODES.noError && m.rcode !== RCODES.nxDomain) return 'bad-answer'
  let owner = name
  let ttl = Number.POSITIVE_INFINITY
  for (let aliases = 0; ; aliases++) {
    const records = m.answers.filter((r) => r.type === type && nameEquals(r.name, owner))
    if (records.length > 0)
      return { kind: 'records', records, ttl: records.reduce((least, r) => Math.min(least, r.ttl), ttl) }
    const alias = m.answers.find((r) => r.type === 'CNAME' && nameEquals(r.name, owner))
    if (alias === undefined || alias.type !== 'CNAME') return negative(m, owner, aliases, ttl)
    if (aliases === maxAliases) return 'bad-answer'
    owner = alias.target
    ttl = Math.min(ttl, alias.ttl)
  }
}

/** RFC 2308 §2 and §5: negative answers are kept as long as the SOA record says, without one not at all. */
function negative(m: Message, owner: string, aliases: number, ttl: number): Outcome | ServerFailure {
  const soa = m.authorities.find((r) => r.type === 'SOA')
  const negativeTtl = soa?.type === 'SOA' ? Math.min(ttl, soa.ttl, soa.minimum) : 0
  if (m.rcode === RCODES.nxDomain) return { kind: 'not-found', ttl: negativeTtl }
  if (aliases > 0 && soa === undefined) return { kind: 'alias', target: owner, aliases, ttl }
  // A referral: the server does not recurse.
  if (soa === undefined && !m.recursionAvailable && !m.authoritative) return 'bad-answer'
  return { kind: 'no-data', ttl: negativeTtl }
}
