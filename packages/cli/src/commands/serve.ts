import { createServer, type Server } from 'node:http'
import { toDuplex } from '@fata/node'
import type { Stack } from '@fata/stack'
import type { Command, Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { untilStopped } from '../network.ts'
import { openNetwork } from '../open-network.ts'
import { siteHandler } from '../site/site.ts'
import { openStore, storeForms } from '../stores.ts'
import { integer } from '../values.ts'

const DEFAULT_PORT = 80
const DEFAULT_FORWARD = 8080

/** `fata serve DIR`: a static website from a directory. */
export const serve: Command = {
  operands: 'DIR',
  summary: 'a static website from a directory, over HTTP on the stack',
  options: { port: { type: 'string' }, forward: { type: 'string' }, store: { type: 'string' } },
  help: [
    `--store=SPEC     in place of DIR: ${storeForms}`,
    `--port=N         port of the site on the stack (default ${DEFAULT_PORT})`,
    `--forward=N      on the virtual LAN: 127.0.0.1 port that leads to it (default ${DEFAULT_FORWARD}, 0 for any)`,
  ],
  async run(context) {
    const { spec, shown } = storeOf(context)
    const port = integer(context.values, 'port', DEFAULT_PORT, 1, 65535)
    const forward = integer(context.values, 'forward', DEFAULT_FORWARD, 0, 65535)

    const store = await openStore(spec)
    const network = await openNetwork(context).catch(async (error: unknown) => {
      await store.disconnect()
      throw error
    })
    const server = createServer(siteHandler(store, context.runtime.log))
    try {
      listen(network.stack, port, server)
      network.announce(context.print)
      const suffix = port === DEFAULT_PORT ? '' : `:${port}`
      for (const host of network.hosts) context.print(`serving ${shown} at http://${host}${suffix}/`)
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

/** Where the site is: `--store`, or the directory that the operand names. */
function storeOf({ positionals, values }: Context): { readonly spec: string; readonly shown: string } {
  const [dir, ...more] = positionals
  const { store } = values
  if (typeof store === 'string') {
    if (dir !== undefined) throw new UsageError(`serve takes a directory or --store, not both: '${dir}'`)
    return { spec: store, shown: store }
  }
  if (dir === undefined) throw new UsageError('serve needs a directory: fata serve DIR')
  if (more.length > 0) throw new UsageError(`serve takes one directory, got '${more[0]}' as well`)
  return { spec: `dir:${dir}`, shown: dir }
}

/** Hands every connection to `port` to Node's HTTP server. */
function listen(stack: Stack, port: number, server: Server): void {
  // A server that listens nowhere itself keeps no list of its connections, and so knows no time-outs, until it believes that it does.
  server.emit('listening')
  stack.tcp.listen({ port }, (flow) => {
    server.emit('connection', toDuplex(flow))
  })
}
