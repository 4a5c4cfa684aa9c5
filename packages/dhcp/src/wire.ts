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
export type { DhcpRoute } from './wire/values.ts'
