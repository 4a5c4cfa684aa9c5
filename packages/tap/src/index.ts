export type { TunTapDevice } from './device.ts'
export { hostAddressFor } from './host-address.ts'
export type { InterfaceState, TapOptions, TunOptions } from './options.ts'
export { openTap, openTun } from './tap.ts'
