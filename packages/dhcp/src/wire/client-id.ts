import { type Mac, writeMac } from '@fata/addr'
import { concatBytes, putU16, putU32 } from '@fata/bytes'

const DUID_LL = 3
const ETHERNET = 1
const IAID_AND_DUID = 255

/** DUID based on the link-layer address, RFC 8415 §11.4. */
export function duidFromMac(mac: Mac): Uint8Array {
  const b = new Uint8Array(10)
  putU16(b, 0, DUID_LL)
  putU16(b, 2, ETHERNET)
  writeMac(b, 4, mac)
  return b
}

/** The number of an interface among those of its host: the low bits of its address, which no two of them share. */
export function iaidFromMac(mac: Mac): number {
  return mac % 0x1_0000_0000
}

/** A client identifier that servers of DHCPv4 and DHCPv6 can tell to be of one client, RFC 4361 §6.1. */
export function clientIdFromDuid(iaid: number, duid: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  head[0] = IAID_AND_DUID
  putU32(head, 1, iaid)
  return concatBytes([head, duid])
}

/** A client identifier that is the hardware type and address, RFC 2132 §9.14. */
export function clientIdFromMac(mac: Mac): Uint8Array {
  const b = new Uint8Array(7)
  b[0] = ETHERNET
  writeMac(b, 1, mac)
  return b
}
