/** How much a router wants to be used: RFC 4191 §2.1. */
export type Preference = 'low' | 'medium' | 'high'

/** From bits 3 and 4 of a byte; undefined for the reserved value. */
export function preferenceOf(byte: number): Preference | undefined {
  switch ((byte >>> 3) & 3) {
    case 0:
      return 'medium'
    case 1:
      return 'high'
    case 3:
      return 'low'
    default:
      return undefined
  }
}

/** In bits 3 and 4 of a byte. */
export function preferenceBits(preference: Preference): number {
  return { medium: 0, high: 1, low: 3 }[preference] << 3
}
