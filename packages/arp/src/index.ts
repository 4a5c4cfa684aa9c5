export { createArp } from './arp.ts'
export { ArpError, type ArpErrorCode } from './errors.ts'
export type { ArpOptions, ConflictPolicy } from './options.ts'
export type { Arp, ArpAddresses, ArpCache, ArpConflict, ArpDeps, ArpEntry, ArpStats } from './types.ts'
