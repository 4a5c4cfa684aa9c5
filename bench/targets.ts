import type { IdleFigures } from './idle.ts'
import { type Figures, KERNEL, TAP, TAP_PLAIN } from './kernel.ts'
import { SWITCH, SWITCH_PLAIN } from './switch.ts'
import { WAN, WAN_PAYLOAD_SHARE } from './wan.ts'

/** What has been measured; undefined where it has not. */
export interface Results {
  /** Median of a figure over a path. */
  readonly kernel: (path: string, key: keyof Figures) => number | undefined
  readonly switches: (path: string, key: keyof Figures) => number | undefined
  readonly wan:
    | readonly { readonly loss: number; readonly ours: number; readonly kernel: number | undefined }[]
    | undefined
  readonly idle: IdleFigures | undefined
}

interface Target {
  readonly what: string
  readonly unit: string
  readonly value: (r: Results) => number | undefined
  readonly least?: number
  readonly most?: number
}

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b
const giga = (bits: number | undefined): number | undefined => ratio(bits, 1e9)

function wanOf(
  r: Results,
  loss: number,
  of: (w: { ours: number; kernel: number | undefined }) => number | undefined,
): number | undefined {
  const found = r.wan?.find((w) => w.loss === loss)
  return found === undefined ? undefined : of(found)
}

const TARGETS: readonly Target[] = [
  {
    what: 'bulk into us over TAP, offload: share of the kernel over veth',
    unit: '',
    value: (r) => ratio(r.kernel(TAP, 'into'), r.kernel(KERNEL, 'into')),
    least: 0.8,
  },
  {
    what: 'bulk from us over TAP, offload: share of the kernel over veth',
    unit: '',
    value: (r) => ratio(r.kernel(TAP, 'from'), r.kernel(KERNEL, 'from')),
    least: 0.75,
  },
  { what: 'into us, MTU 1500, no offload', unit: 'Gbit/s', value: (r) => giga(r.kernel(TAP_PLAIN, 'into')), least: 6 },
  {
    what: 'from us, MTU 1500, no offload',
    unit: 'Gbit/s',
    value: (r) => giga(r.kernel(TAP_PLAIN, 'from')),
    least: 3.5,
  },
  { what: '1-byte request and response, pinned: median', unit: 'us', value: (r) => r.kernel(TAP, 'median'), most: 12 },
  { what: '1-byte request and response, pinned: p99', unit: 'us', value: (r) => r.kernel(TAP, 'p99'), most: 60 },
  {
    what: 'connect, 1 byte each way, reset, pinned',
    unit: '/s',
    value: (r) => r.kernel(TAP, 'connections'),
    least: 18_000,
  },
  {
    what: 'in process over vnetif, offload',
    unit: 'Gbit/s',
    value: (r) => giga(r.switches(SWITCH, 'into')),
    least: 60,
  },
  {
    what: 'in process over vnetif, MTU 1500, no offload',
    unit: 'Gbit/s',
    value: (r) => giga(r.switches(SWITCH_PLAIN, 'into')),
    least: 8,
  },
  { what: '100,000 idle connections: each end', unit: 'B', value: (r) => r.idle?.bytesPerEnd, most: 300 },
  { what: 'cost per packet beside them, against 10 connections', unit: '', value: (r) => r.idle?.slowdown, most: 1.2 },
  {
    what: '100 Mbit/s, 100 ms, no loss: share of what headers leave',
    unit: '',
    value: (r) => wanOf(r, 0, (w) => w.ours / (WAN.bitsPerSecond * WAN_PAYLOAD_SHARE)),
    least: 0.95,
  },
  {
    what: 'the same with 0.1 % loss: share of the kernel',
    unit: '',
    value: (r) => wanOf(r, 0.001, (w) => ratio(w.ours, w.kernel)),
    least: 0.9,
  },
  {
    what: 'the same with 1 % loss: share of the kernel',
    unit: '',
    value: (r) => wanOf(r, 0.01, (w) => ratio(w.ours, w.kernel)),
    least: 0.9,
  },
]

/** Figures of three digits. */
function show(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3)
}

/** Every target with what was measured. */
export function printTargets(results: Results): void {
  const width = Math.max(...TARGETS.map(({ what }) => what.length))
  console.log(`${'target'.padEnd(width)}  ${'wanted'.padStart(14)}  ${'measured'.padStart(14)}`)
  for (const { what, unit, value, least, most } of TARGETS) {
    const wanted = least === undefined ? `<= ${show(most!)}` : `>= ${show(least)}`
    const measured = value(results)
    const met =
      measured === undefined
        ? ''
        : measured >= (least ?? 0) && measured <= (most ?? Number.POSITIVE_INFINITY)
          ? 'met'
          : 'MISSED'
    const shown = measured === undefined ? '-' : `${show(measured)} ${unit}`
    console.log(`${what.padEnd(width)}  ${`${wanted} ${unit}`.padStart(14)}  ${shown.padStart(14)}  ${met}`)
  }
}
