import { Bbr } from './bbr.ts'
import type { Congestion, CongestionFactory } from './congestion.ts'
import { Cubic } from './cubic.ts'
import { NewReno } from './newreno.ts'

/** The congestion controls that are here. */
export const CONGESTION_NAMES = ['cubic', 'newreno', 'bbr'] as const

export type CongestionName = (typeof CONGESTION_NAMES)[number]

const CONTROLS = { cubic: Cubic, newreno: NewReno, bbr: Bbr } as const

/** By name, or what somebody else has made. */
export function createCongestion(which: CongestionName | CongestionFactory, initialSegments: number): Congestion {
  if (typeof which === 'function') return which(initialSegments)
  return new CONTROLS[which](initialSegments)
}
