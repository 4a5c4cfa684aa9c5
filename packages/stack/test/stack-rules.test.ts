import { ip } from '@fata/addr'
import { createSocketStack } from '@fata/stack/socket'
import { twoStacks } from './support/network.ts'
import { stackRules } from './support/stack-rules.ts'

stackRules('over a switch', async () => {
  const network = await twoStacks(41)
  return { ...network, settle: (promise) => network.runtime.clock.settle(promise) }
})

stackRules('over the sockets of the host', async () => {
  const a = createSocketStack()
  const b = createSocketStack()
  return {
    a,
    b,
    address: (family) => ip(family === 4 ? '127.0.0.1' : '::1'),
    settle: (promise) => promise,
    close: async () => {
      await Promise.all([a.close(), b.close()])
    },
  }
})
