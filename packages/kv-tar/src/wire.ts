export {
  BLOCK,
  decode,
  encode,
  isZeroBlock,
  type Malformed,
  padded,
  splitName,
  type TarHeader,
  type TarType,
} from './wire/header.ts'
export { decodeNumber, encodeNumber } from './wire/number.ts'
export { decodePax, encodePax, type PaxRecords } from './wire/pax.ts'
