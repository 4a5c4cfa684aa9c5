import { formatPrefix } from '@fata/addr'
import { NetError } from '@fata/net'
import { hostAddressFor, openTap } from '@fata/tap'
import { capture } from './capture.ts'
import type { Context } from './command.ts'
import type { AddressedConfig, OpenDevice } from './network.ts'

/** Opens the TAP device `name`, and gives the host's side of it an address in each of the stack's networks that it has none in. */
export function openDevice(
  context: Context,
  name: string,
  config: AddressedConfig,
  mtu: number | undefined,
): OpenDevice {
  const { values, runtime } = context
  const hosts = [
    typeof config.ipv4 === 'object' ? hostAddressFor(config.ipv4, config.ipv4Gateway) : undefined,
    config.ipv6 && hostAddressFor(config.ipv6, config.ipv6Gateway),
  ].filter((prefix) => prefix !== undefined)
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  // Somebody waits for it only while the command runs.
  failed.catch(() => {})
  const tap = openTap(
    {
      name,
      ...(mtu === undefined ? {} : { mtu }),
      offload: values['no-offload'] !== true,
      hostAddresses: hosts,
      onState(state) {
        if (state === 'gone') fail(new NetError('ERR_NET_CLOSED', `interface ${name} is gone`))
        else runtime.log.log('warn', 'tap', 'interface changed', { name, state })
      },
    },
    runtime,
  )
  const recorded = capture(context, tap, name)
  return {
    net: recorded.net,
    described: `${name} (host side ${hosts.map(formatPrefix).join(', ') || 'as it is'})`,
    failed,
    async close() {
      await recorded.net.close()
      recorded.close()
    },
  }
}
