export { clientIdFromDuid, clientIdFromMac, duidFromMac, iaidFromMac } from './wire/client-id.ts'
export {
  type DhcpMessage,
  type DhcpMessageType,
  decode,
  encode,
  type Malformed,
  SHORTEST_MESSAGE,
} from './wire/message.ts'
export { type DhcpOption, getOption, setOption } from './wire/option.ts'
export type { OptionMap } from './wire/option-area.ts'
export * from './wire/options.ts'
export { decodeV6, encodeV6, type V6Malformed, type V6Message, type V6MessageType } from './wire/v6-message.ts'
export { getV6Option, type V6Option, v6Option } from './wire/v6-option-list.ts'
export * from './wire/v6-options.ts'
export type { IaAddress, IaNa, Status } from './wire/v6-values.ts'
export type { DhcpRoute } from './wire/values.ts'
