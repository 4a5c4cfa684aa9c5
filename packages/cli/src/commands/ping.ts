import { formatIp, type IpAddress } from '@fata/addr'
import type { Command, Context } from '../command.ts'
import { CommandError } from '../errors.ts'
import { hostOperand, resolveHost } from '../host-names.ts'
import { openNetwork, requireDirect } from '../open-network.ts'
import { createTally, describeOutcome } from '../ping-report.ts'
import { integer, seconds } from '../values.ts'

const DEFAULT_COUNT = 4
const DEFAULT_BYTES = 56

/** `fata ping HOST`: ICMP echo through the stack. */
export const ping: Command = {
  operands: 'HOST',
  summary: 'ICMP echo through the stack',
  options: {
    count: { type: 'string', short: 'c' },
    size: { type: 'string', short: 's' },
    interval: { type: 'string', short: 'i' },
    timeout: { type: 'string', short: 'W' },
  },
  help: [
    `--count=N        requests to send (default ${DEFAULT_COUNT})`,
    `--size=N         bytes of data in each (default ${DEFAULT_BYTES})`,
    '--interval=S     seconds from one request to the next (default 1)',
    '--timeout=S      seconds to wait for each answer (default 2)',
  ],
  async run(context) {
    const host = hostOperand('ping', context.positionals)
    const count = integer(context.values, 'count', DEFAULT_COUNT, 1, 1_000_000)
    const size = integer(context.values, 'size', DEFAULT_BYTES, 0, 65_507)
    const intervalMs = seconds(context.values, 'interval', 1, 0, 3600)
    const timeoutMs = seconds(context.values, 'timeout', 2, 0.001, 3600)

    const network = await openNetwork(context)
    const tally = createTally()
    let target: IpAddress
    try {
      const stack = requireDirect(network, 'ping')
      network.announce(context.print)
      target = await resolveHost(stack, host, context.signal)
      context.print(`ping ${formatIp(target)}: ${size} bytes of data`)
      for (let sequence = 1; sequence <= count && !context.signal.aborted; sequence++) {
        const sentAt = context.runtime.clock.now()
        const outcome = await stack.ping(target, { sequence, size, timeoutMs })
        tally.add(outcome)
        context.print(describeOutcome(outcome))
        if (sequence < count) await pauseUntil(sentAt + intervalMs, context)
      }
      context.print(tally.summary())
    } finally {
      await network.close()
    }
    if (tally.received === 0 && !context.signal.aborted) throw new CommandError(`no answer from ${formatIp(target)}`)
  },
}

/** Resolves at `at` (a time of the clock), or when the user asks to stop. */
function pauseUntil(at: number, { runtime, signal }: Context): Promise<void> {
  return new Promise((resolve) => {
    const timer = runtime.clock.schedule(at, () => done())
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}
