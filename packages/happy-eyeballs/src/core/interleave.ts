import { type IpAddress, isIpv4 } from '@fata/addr'

/**
 * RFC 8305 §4: the families of a sorted list take turns, beginning with `firstCount` addresses of the family of its first one. Each
 * family keeps its order.
 */
export function interleave(sorted: readonly IpAddress[], firstCount = 1): IpAddress[] {
  if (sorted.length === 0) return []
  const first = isIpv4(sorted[0]!)
  const same = sorted.filter((a) => isIpv4(a) === first)
  const other = sorted.filter((a) => isIpv4(a) !== first)
  const result = same.splice(0, firstCount)
  while (same.length + other.length > 0) result.push(...other.splice(0, 1), ...same.splice(0, 1))
  return result
}
