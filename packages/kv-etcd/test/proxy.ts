import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly url: string
  /** What comes from the server is thrown away, from the moment that the client sends the next byte. */
  swallow: boolean
  /** New connections are ended at once. */
  closed: boolean
  /** Connections since the beginning. */
  connections: number
  /** Ends every connection at once, in the midst of whatever is on its way. */
  cut(): void
  stop(): Promise<void>
}

/** Stands on loopback between a client and the server at the URL. */
export async function startProxy(target: string): Promise<TcpProxy> {
  const { port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (proxy.closed) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect(Number(port), '127.0.0.1')
    let silent = false
    proxy.connections++
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('data', (data) => {
        if (socket === client) silent = proxy.swallow
        if (socket === client || !silent) other.write(data)
      })
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    swallow: false,
    closed: false,
    connections: 0,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async stop() {
      proxy.cut()
      await once(server.close(), 'close')
    },
  }
  return proxy
}
