export { createSocketStack, type SocketStackConfig } from './socket/stack.ts'
