import { type IpAddress, type Ipv6, ipEquals, ipScope, isIpv4, type Prefix } from '@fata/addr'
import { policyOf } from './policy.ts'

/** An address of this host that packets may be sent from. */
export interface SourceAddress {
  readonly prefix: Prefix
  /** Its preferred lifetime is over (RFC 4862 §5.5.4). Default false. */
  readonly deprecated?: boolean | undefined
  /** A temporary address (RFC 8981). Default false. */
  readonly temporary?: boolean | undefined
}

/**
 * Sorts destinations by RFC 6724 §6, the best first; with no `sources` only by what destinations say of themselves (rules 6 and 8).
 * Without rules 4 and 7: nothing here knows of home addresses and encapsulating transports.
 */
export function sortDestinations(
  destinations: readonly IpAddress[],
  sources?: readonly SourceAddress[] | undefined,
): IpAddress[] {
  const candidates = destinations.map((destination) => describe(destination, sources))
  return candidates.sort(compare).map(({ destination }) => destination)
}

/** The source that RFC 6724 §5 chooses for a destination; undefined where the host has no address of that family. */
export function selectSource(destination: IpAddress, sources: readonly SourceAddress[]): SourceAddress | undefined {
  const family = isIpv4(destination)
  let best: SourceAddress | undefined
  for (const source of sources) {
    if (isIpv4(source.prefix.address) !== family) continue
    if (best === undefined || compareSources(source, best, destination) < 0) best = source
  }
  return best
}

interface Candidate {
  readonly destination: IpAddress
  readonly scope: number
  readonly precedence: number
  /** Rules 1 to 3, 5 and 9, where the sources are known; false is better than true. */
  readonly unusable: boolean
  readonly otherScope: boolean
  readonly deprecated: boolean
  readonly otherLabel: boolean
  readonly commonLength: number
}

function describe(destination: IpAddress, sources: readonly SourceAddress[] | undefined): Candidate {
  const scope = ipScope(destination)
  const { precedence, label } = policyOf(destination)
  const source = sources === undefined ? undefined : selectSource(destination, sources)
  if (source === undefined) {
    const unusable = sources !== undefined
    return {
      destination,
      scope,
      precedence,
      unusable,
      otherScope: false,
      deprecated: false,
      otherLabel: false,
      commonLength: 0,
    }
  }
  const { address } = source.prefix
  return {
    destination,
    scope,
    precedence,
    unusable: false,
    otherScope: ipScope(address) !== scope,
    deprecated: source.deprecated === true,
    otherLabel: policyOf(address).label !== label,
    commonLength: commonPrefixLength(source.prefix, destination),
  }
}

/** RFC 6724 §6, rules in order. Negative where `a` is better. */
function compare(a: Candidate, b: Candidate): number {
  return (
    Number(a.unusable) - Number(b.unusable) ||
    Number(a.otherScope) - Number(b.otherScope) ||
    Number(a.deprecated) - Number(b.deprecated) ||
    Number(a.otherLabel) - Number(b.otherLabel) ||
    b.precedence - a.precedence ||
    a.scope - b.scope ||
    (isIpv4(a.destination) === isIpv4(b.destination) ? b.commonLength - a.commonLength : 0)
  )
}

/** RFC 6724 §5 without rules 4 and 5 (home addresses, several interfaces). Negative where `a` is better. */
function compareSources(a: SourceAddress, b: SourceAddress, destination: IpAddress): number {
  const { label } = policyOf(destination)
  const labelDiffers = (s: SourceAddress): boolean => policyOf(s.prefix.address).label !== label
  return (
    Number(ipEquals(b.prefix.address, destination)) - Number(ipEquals(a.prefix.address, destination)) ||
    compareScopes(ipScope(a.prefix.address), ipScope(b.prefix.address), ipScope(destination)) ||
    Number(a.deprecated === true) - Number(b.deprecated === true) ||
    Number(labelDiffers(a)) - Number(labelDiffers(b)) ||
    Number(b.temporary === true) - Number(a.temporary === true) ||
    commonPrefixLength(b.prefix, destination) - commonPrefixLength(a.prefix, destination)
  )
}

/** Rule 2: the smallest scope that reaches the destination, else the largest. */
function compareScopes(a: number, b: number, destination: number): number {
  if (a === b) return 0
  const smallerReaches = Math.min(a, b) >= destination
  return a < b === smallerReaches ? -1 : 1
}

/** CommonPrefixLen of RFC 6724 §2.2: at most the source's prefix length. */
function commonPrefixLength(source: Prefix, destination: IpAddress): number {
  const { address, length } = source
  if (isIpv4(address)) return Math.min(length, Math.clz32(address ^ (destination as number)))
  const d = destination as Ipv6
  let common = 0
  for (const difference of [address.w0 ^ d.w0, address.w1 ^ d.w1, address.w2 ^ d.w2, address.w3 ^ d.w3]) {
    common += Math.clz32(difference)
    if (difference !== 0) break
  }
  return Math.min(length, common)
}
