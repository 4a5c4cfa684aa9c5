import { constants } from 'node:os'
import { endpoint } from '@fata/addr'
import { toNodeError } from '@fata/node'
import { describe, expect, it } from 'vitest'

const failure = (code: string): Error => Object.assign(new Error('why'), { code })

describe('toNodeError', () => {
  it.each([
    ['ERR_TCP_REFUSED', 'ECONNREFUSED'],
    ['ERR_TCP_RESET', 'ECONNRESET'],
    ['ERR_FLOW_RESET', 'ECONNRESET'],
    ['ERR_TCP_TIMEOUT', 'ETIMEDOUT'],
    ['ERR_TCP_UNREACHABLE', 'EHOSTUNREACH'],
    ['ERR_TCP_PORT_IN_USE', 'EADDRINUSE'],
    ['ERR_TCP_NO_PORT', 'EADDRNOTAVAIL'],
    ['ERR_TCP_LIMIT', 'ENOBUFS'],
    ['ERR_TCP_CLOSED', 'ENETDOWN'],
    ['ERR_TCP_ABORTED', 'ECONNABORTED'],
    ['ERR_FLOW_ABORTED', 'ECONNABORTED'],
    ['ERR_FLOW_CLOSED', 'EPIPE'],
  ] as const)('makes %s into %s', (code, expected) => {
    const error = failure(code)
    expect(toNodeError(error, 'connect')).toMatchObject({
      name: 'Error',
      message: `connect ${expected}`,
      code: expected,
      errno: -constants.errno[expected],
      syscall: 'connect',
      cause: error,
    })
  })

  it('names the endpoint as Node does', () => {
    expect(toNodeError(failure('ERR_TCP_REFUSED'), 'connect', endpoint('10.0.0.2:80'))).toMatchObject({
      message: 'connect ECONNREFUSED 10.0.0.2:80',
      address: '10.0.0.2',
      port: 80,
    })
    expect(toNodeError(failure('ERR_TCP_TIMEOUT'), 'connect', endpoint('[fd00::2]:443'))).toMatchObject({
      message: 'connect ETIMEDOUT fd00::2:443',
    })
  })

  it.each([[failure('ERR_OTHER')], [new Error('plain')], ['text'], [undefined], [null]])(
    'leaves %s as it is',
    (error) => {
      expect(toNodeError(error, 'read')).toBe(error)
    },
  )
})
