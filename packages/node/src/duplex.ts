import { FlowSocket } from './flow-socket.ts'
import type { DuplexOptions, DuplexSource, FlowDuplex } from './interface.ts'

/**
 * A Node stream made of a flow, shaped as a `net.Socket`. The stream owns the flow from then on. `destroy` closes the flow: what was
 * written is still sent. Errors are those of Node's sockets, see `toNodeError`. Written memory may be reused when the write's callback
 * has been called.
 */
export function toDuplex(flow: DuplexSource, options: DuplexOptions = {}): FlowDuplex {
  return new FlowSocket(flow, options)
}
