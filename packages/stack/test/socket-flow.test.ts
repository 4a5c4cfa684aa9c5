import { setTimeout as sleep } from 'node:timers/promises'
import { ip } from '@fata/addr'
import { suite } from '@fata/flow/conformance'
import { createSocketStack } from '@fata/stack/socket'
import { describe, it } from 'vitest'

/** Loopback of the kernel has no virtual time: what has not happened after so long will not. */
const TURNS = 40

for (const [name, address] of [
  ['127.0.0.1', ip('127.0.0.1')],
  ['::1', ip('::1')],
] as const)
  suite({
    describe: (section, body) => describe(`${section}, over a socket of ${name}`, body),
    it,
    create: async () => {
      const stack = createSocketStack()
      const listener = stack.tcp.listen({ port: 0, address })
      await listener.ready
      const port = listener.local.port as number
      const [a, b] = await Promise.all([stack.tcp.connect({ address, port }), listener.accept()])
      return {
        a,
        b,
        async run(done) {
          for (let i = 0; i < TURNS && !done(); i++) await sleep(1)
          return done()
        },
        dispose: () => stack.close(),
      }
    },
  })
