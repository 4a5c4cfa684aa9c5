import type { Stack } from '@fata/stack'
import type { Command, Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { type Network, untilStopped } from '../network.ts'
import { openNetwork } from '../open-network.ts'
import {
  CHARGEN_PORT,
  chargen,
  chargenDatagram,
  DISCARD_PORT,
  discard,
  ECHO_PORT,
  echo,
  mayAnswer,
} from '../simple-services.ts'
import { integer } from '../values.ts'

const DEFAULT_FORWARD_BASE = 8000

/** `fata services`: RFC 862, 863 and 864 on TCP and UDP. */
export const services: Command = {
  operands: '',
  summary: 'echo (7), discard (9) and chargen (19) on TCP and UDP',
  options: { forward: { type: 'string' } },
  help: [
    `--forward=BASE   on the virtual LAN: 127.0.0.1 ports BASE+7, BASE+9, BASE+19 lead to the services (default ${DEFAULT_FORWARD_BASE})`,
  ],
  async run(context) {
    if (context.positionals.length > 0)
      throw new UsageError(`services takes no operand, got '${context.positionals[0]}'`)
    const base = integer(context.values, 'forward', DEFAULT_FORWARD_BASE, 1, 65000)
    const network = await openNetwork(context)
    try {
      await start(network, base, context)
      await untilStopped(context.signal, network)
    } finally {
      await network.close()
    }
  },
}

async function start(network: Network, base: number, context: Context): Promise<void> {
  const { stack } = network
  stack.tcp.listen({ port: ECHO_PORT }, echo)
  stack.tcp.listen({ port: DISCARD_PORT }, discard)
  stack.tcp.listen({ port: CHARGEN_PORT }, chargen)
  serveUdp(stack)
  network.announce(context.print)
  if (network.forward === undefined) {
    context.print(`try: nc ${network.hosts[0]} ${CHARGEN_PORT}`)
    return
  }
  for (const port of [ECHO_PORT, DISCARD_PORT, CHARGEN_PORT]) {
    await network.forward(base + port, port)
    context.print(`127.0.0.1:${base + port} leads to port ${port}`)
  }
  context.print(`try: nc 127.0.0.1 ${base + CHARGEN_PORT}`)
}

function serveUdp(stack: Stack): void {
  const echoes = stack.udp.bind({ port: ECHO_PORT })
  echoes.onMessage = (buf, off, end, info) => {
    if (mayAnswer(info.src.port)) echoes.send(buf.subarray(off, end), info.src, { src: info.dst.address })
  }
  const discards = stack.udp.bind({ port: DISCARD_PORT })
  discards.onMessage = () => {}
  const characters = stack.udp.bind({ port: CHARGEN_PORT })
  let line = 0
  characters.onMessage = (_buf, _off, _end, info) => {
    if (mayAnswer(info.src.port)) characters.send(chargenDatagram(line++), info.src, { src: info.dst.address })
  }
}
