import type { Command, Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { runClient } from '../iperf3/client.ts'
import { DEFAULT_PORT } from '../iperf3/protocol.ts'
import { runServer } from '../iperf3/server.ts'
import type { Surroundings } from '../iperf3/test-run.ts'
import { unlessStopped } from '../network.ts'
import { openNetwork } from '../open-network.ts'
import { integer, scaledNumber } from '../values.ts'

/** What iperf3 sends by UDP unless told otherwise, in bits per second. */
const UDP_BITRATE = 1024 * 1024

/** `fata iperf3`: one end of a measurement, an unmodified iperf3 is the other. */
export const iperf3: Command = {
  operands: '-s | -c HOST',
  summary: "measures throughput; speaks iperf3's protocol",
  options: {
    server: { type: 'boolean', short: 's' },
    client: { type: 'string', short: 'c' },
    port: { type: 'string', short: 'p' },
    udp: { type: 'boolean', short: 'u' },
    reverse: { type: 'boolean', short: 'R' },
    parallel: { type: 'string', short: 'P' },
    time: { type: 'string', short: 't' },
    bytes: { type: 'string', short: 'n' },
    length: { type: 'string', short: 'l' },
    bitrate: { type: 'string', short: 'b' },
    json: { type: 'boolean', short: 'J' },
    'one-off': { type: 'boolean', short: '1' },
  },
  help: [
    '-s, --server     wait for clients; --one-off (-1) for one test only',
    '-c, --client=HOST  run a test against a server',
    `-p, --port=N     (default ${DEFAULT_PORT})`,
    '-u, --udp        datagrams in place of TCP',
    '-R, --reverse    the server sends',
    '-P, --parallel=N  streams at a time (default 1)',
    '-t, --time=S     seconds (default 10); -n, --bytes=N[KMG] in its place',
    '-l, --length=N[KM]  bytes of a block or datagram; -b, --bitrate=N[KMG] bits per second (UDP: 1M, TCP: as many as go)',
    '-J, --json       the report as JSON',
  ],
  async run(context) {
    const { values, positionals, signal, runtime, print } = context
    if (positionals.length > 0) throw new UsageError(`iperf3 takes no operand, got '${positionals[0]}'`)
    const { client } = values
    if ((values['server'] === true) === (typeof client === 'string'))
      throw new UsageError('iperf3 is a server (-s) or a client (-c HOST)')
    const port = integer(values, 'port', DEFAULT_PORT, 1, 65535)
    const json = values['json'] === true
    const udp = values['udp'] === true
    const options = {
      ...{ host: typeof client === 'string' ? client : '', port, udp, reverse: values['reverse'] === true },
      parallel: integer(values, 'parallel', 1, 1, 128),
      seconds: integer(values, 'time', 10, 1, 86_400),
      bytes: scaledNumber(values, 'bytes', 0, 1024, 0, 2 ** 50),
      length:
        values['length'] === undefined
          ? undefined
          : scaledNumber(values, 'length', 0, 1024, 16, udp ? 65_507 : 1 << 20),
      bitrate: scaledNumber(values, 'bitrate', udp ? UDP_BITRATE : 0, 1000, 0, 1e12),
    }
    const network = await openNetwork(context)
    const around: Surroundings = { clock: runtime.clock, random: runtime.random, signal, json, print }
    try {
      if (!json) network.announce(print)
      if (typeof client !== 'string')
        await serve(context, network.hosts, runServer(network.stack, port, values['one-off'] === true, around), json)
      else await unlessStopped(Promise.race([runClient(network.stack, options, around), network.failed]), signal)
    } finally {
      await network.close()
    }
  },
}

async function serve(
  { print, signal }: Context,
  hosts: readonly string[],
  served: Promise<void>,
  json: boolean,
): Promise<void> {
  if (!json) {
    print('waiting for a client')
    print(`try: iperf3 -c ${hosts[0]}`)
  }
  await unlessStopped(served, signal)
}
