import { createServer, type Server, type Socket } from 'node:net'
import type { IpAddress } from '@fata/addr'
import { toDuplex } from '@fata/node'
import type { Logger } from '@fata/runtime'
import type { Tcp } from '@fata/tcp'
import { CommandError } from './errors.ts'

const HOST = '127.0.0.1'

/** Carries connections from a port of this machine's loopback to a port inside the virtual LAN. */
export interface Forward {
  /** The loopback port that it got. */
  readonly port: number
  close(): Promise<void>
}

/** Listens on `127.0.0.1:port` (0: any free one); each connection is continued by `tcp` to `address`:`to`. Rejects where the port is taken. */
export async function forwardTcp(
  port: number,
  tcp: Tcp,
  address: IpAddress,
  to: number,
  log: Logger,
): Promise<Forward> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    carry(socket, tcp, address, to).catch((error: unknown) => {
      log.log('warn', 'forward', 'connection failed', { error })
      socket.destroy()
    })
  })
  await listening(server, port)
  return {
    port: (server.address() as { port: number }).port,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function carry(socket: Socket, tcp: Tcp, address: IpAddress, port: number): Promise<void> {
  const gone = new AbortController()
  socket.on('error', () => {}).once('close', () => gone.abort())
  const flow = toDuplex(await tcp.connect({ address, port }, { signal: gone.signal }), { allowHalfOpen: true })
  flow.on('error', () => socket.destroy())
  flow.once('close', () => socket.destroySoon())
  socket.once('close', () => flow.destroy())
  socket.pipe(flow).pipe(socket)
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${cause.code})`
      reject(new CommandError(`port ${port} of ${HOST} ${why}`, { cause }))
    })
    server.listen(port, HOST, resolve)
  })
}
