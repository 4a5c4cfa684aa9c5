import type { IpAddress } from '@fata/addr'
import { createGather, type Gather } from '@fata/bytes'
import { createTcpHeader, type TcpHeader } from '../wire.ts'

const MAX_OPTIONS = 40

/** One segment to send, ready to be written into the device's memory. One record is reused. */
export interface Outgoing {
  src: IpAddress
  dst: IpAddress
  readonly header: TcpHeader
  /** The options are `options[0..optionsLen)`. */
  readonly options: Uint8Array
  optionsLen: number
  /** The text, by reference. */
  readonly payload: Gather
  /** Text of each segment but the last where this is a super-segment; else 0. */
  gsoSize: number
  trafficClass: number
  ttl: number | undefined
}

export function createOutgoing(): Outgoing {
  return {
    src: 0 as IpAddress,
    dst: 0 as IpAddress,
    header: createTcpHeader(),
    options: new Uint8Array(MAX_OPTIONS),
    optionsLen: 0,
    payload: createGather(),
    gsoSize: 0,
    trafficClass: 0,
    ttl: undefined,
  }
}
