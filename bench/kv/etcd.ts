import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { openEtcd } from '@fata/kv-etcd'
import { type Subject, subjectOf } from './subject.ts'

export async function etcdStore(place: string): Promise<Subject> {
  const { url, stop } = await startEtcd(place)
  const kv = await openEtcd(url)
  return { ...subjectOf(kv), close: () => kv.disconnect().then(stop) }
}

/** The gateway, asked with `fetch` for what the store asks for, without its conditions. */
export async function bareEtcd(place: string): Promise<Subject> {
  const { url, stop } = await startEtcd(place)
  const key = (name: string) => Buffer.from(`d/${name}`).toString('base64')
  const ask = async (path: string, body: object): Promise<{ kvs?: Array<{ key: string; value: string }> }> => {
    const response = await fetch(`${url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await response.json()) as { kvs?: Array<{ key: string; value: string }> }
  }
  const put = (name: string, value: Uint8Array) => ({
    request_put: { key: key(name), value: Buffer.from(value).toString('base64') },
  })
  return {
    get: async (name) => Buffer.from((await ask('range', { key: key(name) })).kvs![0]!.value, 'base64'),
    set: (name, value) => ask('put', put(name, value).request_put),
    batch: (entries) => ask('txn', { success: entries.map(([name, value]) => put(name, value)) }),
    list: async () => {
      const range = { key: key(''), range_end: Buffer.from('d0').toString('base64'), keys_only: true }
      return (await ask('range', range)).kvs!.length
    },
    close: stop,
  }
}

/** A cluster of one, with its data in the place. */
async function startEtcd(place: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`)
  const child = spawn(
    'etcd',
    [
      ...['--name', 'bench', '--data-dir', `${place}/etcd`, '--initial-cluster', `bench=${peer}`],
      ...['--listen-client-urls', client!, '--advertise-client-urls', client!],
      ...['--listen-peer-urls', peer!, '--initial-advertise-peer-urls', peer!],
    ],
    { stdio: 'ignore' },
  )
  await once(child, 'spawn')
  for (let tries = 0; !(await healthy(client!)); tries++) {
    if (tries > 200) throw new Error('etcd does not answer')
    await wait(50)
  }
  return { url: client!, stop: () => end(child) }
}

async function healthy(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    (response) => response.ok,
    () => false,
  )
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await once(server.close(), 'close')
  return port
}
