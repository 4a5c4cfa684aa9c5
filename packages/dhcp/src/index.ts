export type { DhcpMessage, DhcpMessageType } from './wire/message.ts'
