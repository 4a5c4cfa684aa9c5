export { decode, encode, HEADER_LEN } from './wire/message.ts'
export { foldName, formatLabel, nameEquals, parseName } from './wire/name.ts'
export type { Malformed } from './wire/reader.ts'
export {
  type AaaaRecord,
  type ARecord,
  CLASS_IN,
  type DnsRecord,
  type Edns,
  type Message,
  type MxRecord,
  type NameRecord,
  type OpaqueRecord,
  type QueryType,
  type Question,
  RCODES,
  type RecordOf,
  type RecordType,
  type SoaRecord,
  type SrvRecord,
  type SvcbRecord,
  type SvcParams,
  type TxtRecord,
  TYPES,
} from './wire/types.ts'
