import { type Ipv4, ip, ipv6FromWords } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { ConnectionTable } from '../src/connection-table.ts'
import { Connection } from '../src/core/connection.ts'
import { createContext } from '../src/core/context.ts'
import { checkOptions } from '../src/options.ts'
import { createTcpStats } from '../src/stats.ts'

const random = seededRandom(7)
const context = createContext(checkOptions({}), createTcpStats(), random)
const options = { keepalive: undefined }

function unparkable(): never {
  throw new Error('nothing is parked')
}

function connection(
  local: Connection['local'],
  localPort: number,
  remote: Connection['local'],
  remotePort: number,
): Connection {
  return new Connection(context, { local, localPort, remote, remotePort, passive: false }, options)
}

describe('connection table', () => {
  it('finds thousands of connections of both families, and no others', () => {
    const table = new ConnectionTable(random, unparkable)
    const all: Connection[] = []
    for (let i = 0; i < 3000; i++) {
      const v4 = connection((0x0a000001 + (i & 3)) as Ipv4, 80, (0xc0a80000 + i) as Ipv4, 1024 + (i % 7))
      const v6 = connection(ip('fd00::1'), 443, ipv6FromWords(0xfd000000, 0, i, i * 3), 5000 + i)
      all.push(v4, v6)
    }
    for (const c of all) table.add(c)
    expect(table.size).toBe(6000)
    expect(new Set(all.map((c) => c.slot)).size).toBe(6000)
    for (const c of all) {
      expect(table.find(c.local, c.localPort, c.remote, c.remotePort)).toBe(c)
      expect(table.bySlot[c.slot]).toBe(c)
      expect(table.find(c.local, c.localPort, c.remote, c.remotePort + 1000)).toBeUndefined()
    }
  })

  it('stays right while connections come and go', () => {
    const table = new ConnectionTable(random, unparkable)
    const there: Connection[] = []
    for (let i = 0; i < 20_000; i++) {
      if (there.length > 0 && random.uint32() % 3 === 0) {
        const [c] = there.splice(random.uint32() % there.length, 1)
        table.remove(c!)
        expect(c!.slot).toBe(-1)
        expect(table.find(c!.local, c!.localPort, c!.remote, c!.remotePort)).toBeUndefined()
      } else {
        const c = connection(ip('10.0.0.1'), 80, (random.uint32() % 0xffff) as Ipv4, 1 + (i % 60_000))
        if (table.find(c.local, c.localPort, c.remote, c.remotePort) !== undefined) continue
        table.add(c)
        there.push(c)
      }
      if (i % 997 === 0) for (const c of there) expect(table.find(c.local, c.localPort, c.remote, c.remotePort)).toBe(c)
    }
    for (const c of there.splice(0)) table.remove(c)
    expect(table.size).toBe(0)
  })

  it('tells apart what differs in one number only', () => {
    const table = new ConnectionTable(random, unparkable)
    const a = ip('10.0.0.1')
    const b = ip('10.0.0.2')
    const c = connection(a, 80, b, 1000)
    table.add(c)
    expect(table.find(a, 80, b, 1000)).toBe(c)
    expect(table.find(b, 80, b, 1000)).toBeUndefined()
    expect(table.find(a, 81, b, 1000)).toBeUndefined()
    expect(table.find(a, 80, a, 1000)).toBeUndefined()
    expect(table.find(a, 80, b, 1001)).toBeUndefined()
    expect(table.find(b, 1000, a, 80)).toBeUndefined()
  })
})
