import { createServer, type Server } from 'node:http'
import type { KvRo } from '@fata/kv'
import { openDirReadOnly } from '@fata/kv-dir'
import { toDuplex } from '@fata/node'
import type { Stack } from '@fata/stack'
import type { Command } from '../command.ts'
import { CommandError, UsageError } from '../errors.ts'
import { untilStopped } from '../network.ts'
import { openNetwork } from '../open-network.ts'
import { siteHandler } from '../site/site.ts'
import { integer } from '../values.ts'

const DEFAULT_PORT = 80
const DEFAULT_FORWARD = 8080

/** `fata serve DIR`: a static website from a directory. */
export const serve: Command = {
  operands: 'DIR',
  summary: 'a static website from a directory, over HTTP on the stack',
  options: { port: { type: 'string' }, forward: { type: 'string' } },
  help: [
    `--port=N         port of the site on the stack (default ${DEFAULT_PORT})`,
    `--forward=N      on the virtual LAN: 127.0.0.1 port that leads to it (default ${DEFAULT_FORWARD}, 0 for any)`,
  ],
  async run(context) {
    const [dir, ...more] = context.positionals
    if (dir === undefined) throw new UsageError('serve needs a directory: fata serve DIR')
    if (more.length > 0) throw new UsageError(`serve takes one directory, got '${more[0]}' as well`)
    const port = integer(context.values, 'port', DEFAULT_PORT, 1, 65535)
    const forward = integer(context.values, 'forward', DEFAULT_FORWARD, 0, 65535)

    const store = await openSite(dir)
    const network = await openNetwork(context)
    const server = createServer(siteHandler(store, context.runtime.log))
    try {
      listen(network.stack, port, server)
      network.announce(context.print)
      const suffix = port === DEFAULT_PORT ? '' : `:${port}`
      for (const host of network.hosts) context.print(`serving ${dir} at http://${host}${suffix}/`)
      if (network.forward === undefined) context.print(`try: curl http://${network.hosts[0]}${suffix}/`)
      else context.print(`open http://127.0.0.1:${await network.forward(forward, port)}/`)
      await untilStopped(context.signal, network)
    } finally {
      server.closeAllConnections()
      await network.close()
      await store.disconnect()
    }
  },
}

async function openSite(dir: string): Promise<KvRo> {
  try {
    return await openDirReadOnly(dir)
  } catch (error) {
    const { message, cause } = error as Error
    throw new CommandError(`cannot serve ${dir}: ${cause instanceof Error ? cause.message : message}`, { cause: error })
  }
}

/** Hands every connection to `port` to Node's HTTP server. */
function listen(stack: Stack, port: number, server: Server): void {
  // A server that listens nowhere itself keeps no list of its connections, and so knows no time-outs, until it believes that it does.
  server.emit('listening')
  stack.tcp.listen({ port }, (flow) => {
    server.emit('connection', toDuplex(flow))
  })
}
