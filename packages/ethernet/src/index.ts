export { createEthernet, type Ethernet } from './ethernet.ts'
