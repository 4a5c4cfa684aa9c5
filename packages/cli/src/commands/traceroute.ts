import { formatIp, type IpAddress } from '@fata/addr'
import { type Hop, type PingOutcome, traceroute as trace } from '@fata/stack'
import type { Command } from '../command.ts'
import { CommandError } from '../errors.ts'
import { hostOperand, resolveHost } from '../host-names.ts'
import { openNetwork, requireDirect } from '../open-network.ts'
import { integer, seconds } from '../values.ts'

/** `fata traceroute HOST`: who is on the way. */
export const traceroute: Command = {
  operands: 'HOST',
  summary: 'the routers on the way to a host, by ICMP echo',
  options: {
    'max-hops': { type: 'string', short: 'm' },
    probes: { type: 'string', short: 'q' },
    timeout: { type: 'string', short: 'w' },
  },
  help: [
    '--max-hops=N     how far to look (default 30)',
    '--probes=N       requests for each hop (default 3)',
    '--timeout=S      seconds to wait for each answer (default 2)',
  ],
  async run(context) {
    const host = hostOperand('traceroute', context.positionals)
    const maxHops = integer(context.values, 'max-hops', 30, 1, 255)
    const probes = integer(context.values, 'probes', 3, 1, 10)
    const timeoutMs = seconds(context.values, 'timeout', 2, 0.001, 3600)
    const network = await openNetwork(context)
    try {
      const stack = requireDirect(network, 'traceroute')
      network.announce(context.print)
      const { signal } = context
      const target = await resolveHost(stack, host, signal)
      context.print(`traceroute to ${formatIp(target)}, ${maxHops} hops at most`)
      let last: Hop | undefined
      for await (last of trace(stack, target, { maxHops, probes, timeoutMs, signal })) context.print(describeHop(last))
      if (!last?.outcomes.some(({ kind }) => kind === 'reply'))
        throw new CommandError(`no answer from ${formatIp(target)}`)
    } finally {
      await network.close()
    }
  },
}

function describeHop({ hop, outcomes }: Hop): string {
  let from: IpAddress | undefined
  const shown = outcomes.map((outcome) => {
    if (outcome.kind === 'timeout') return '*'
    const who = from !== undefined && formatIp(from) === formatIp(outcome.from) ? '' : `${formatIp(outcome.from)}  `
    from = outcome.from
    return `${who}${outcome.rttMs.toFixed(3)} ms${mark(outcome)}`
  })
  return `${String(hop).padStart(3)}  ${shown.join('  ')}`
}

/** What is said beyond that somebody is there. */
function mark({ kind }: PingOutcome): string {
  return kind === 'reply' || kind === 'time-exceeded' ? '' : ` (${kind.replaceAll('-', ' ')})`
}
