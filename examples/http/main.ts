// Node's own HTTP server and client, unchanged, over two stacks.
import { createServer, get, type IncomingMessage } from 'node:http'
import { ip } from '@fata/addr'
import { toDuplex } from '@fata/node'
import { systemRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'

export async function main(): Promise<void> {
  const runtime = systemRuntime()
  const lan = createSwitch(runtime)
  const server = createStack(lan.port(), { ipv4: '10.0.0.80/24', ipv4Only: true }, runtime)
  const client = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime)

  const http = createServer((request, response) => response.end(`hello from ${request.headers.host}\n`))
  server.tcp.listen({ port: 80 }, (flow) => void http.emit('connection', toDuplex(flow)))

  const flow = await client.tcp.connect({ address: ip('10.0.0.80'), port: 80 })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get('http://10.0.0.80/', { createConnection: () => toDuplex(flow) }, resolve).on('error', reject)
  })
  let body = ''
  for await (const chunk of response) body += String(chunk)
  console.log(`${response.statusCode} ${body.trim()}`)

  http.closeAllConnections()
  await Promise.all([client.close(), server.close()])
}
