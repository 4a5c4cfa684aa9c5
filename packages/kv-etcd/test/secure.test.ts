import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EtcdFetch, openEtcd } from '../src/index.ts'
import { type Cluster, cannotRun, startCluster } from './cluster.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const USER = { user: 'alice', password: 'wonderland' }

describe.skipIf(cannotRun('TLS and authentication of kv-etcd', 'openssl'))('TLS and authentication', () => {
  let cluster: Cluster
  let agent: Agent
  let secure: EtcdFetch
  const directory = mkdtempSync(join(tmpdir(), 'kv-etcd-'))
  const file = (name: string) => join(directory, name)

  beforeAll(async () => {
    makeCertificates(directory)
    agent = new Agent({ connect: { ca: readFileSync(file('ca.pem'), 'utf8') } })
    secure = (url, init) => undiciFetch(url, { ...init, dispatcher: agent })
    cluster = await startCluster({
      scheme: 'https',
      fetch: secure as never,
      args: ['--cert-file', file('server.pem'), '--key-file', file('server.key')],
    })
    await enableAuth()
  }, 60_000)
  afterAll(async () => {
    await agent?.close()
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  async function ask(path: string, body: object, token?: string): Promise<{ token?: string }> {
    const signal = AbortSignal.timeout(10_000)
    const headers = token ? { authorization: token } : {}
    const response = await secure(cluster.urls[0] + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal,
    })
    if (response.status !== 200) throw new Error(await response.text())
    return JSON.parse(await response.text()) as { token?: string }
  }

  /** A root, which etcd demands, and a user who may use one prefix. */
  async function enableAuth(): Promise<void> {
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const perm = { permType: 'READWRITE', key: base64('mine/'), range_end: base64('mine0') }
    await ask('/v3/auth/user/add', { name: 'root', password: 'root' })
    await ask('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await ask('/v3/auth/user/add', { name: USER.user, password: USER.password })
    await ask('/v3/auth/role/add', { name: 'writer' })
    await ask('/v3/auth/role/grant', { name: 'writer', perm })
    await ask('/v3/auth/user/grant', { user: USER.user, role: 'writer' })
    await ask('/v3/auth/enable', {})
  }

  it('are passed with the right certificate and password', async () => {
    const kv = await openEtcd(cluster.urls, { prefix: 'mine', auth: USER, fetch: secure })
    await kv.set('/v', bytes('secret'))
    const events = kv.watch('/', { signal: AbortSignal.timeout(20_000) })[Symbol.asyncIterator]()
    await kv.batch([
      { op: 'rename', source: '/v', dest: '/w' },
      { op: 'set', key: '/x', value: bytes('x') },
    ])
    expect((await events.next()).value).toMatchObject({ type: 'batch', changes: [{}, {}, {}] })
    expect(await kv.get('/w')).toEqual(bytes('secret'))
    await kv.disconnect()
  })

  it('refuse a certificate that nobody vouches for', async () => {
    const opening = openEtcd(cluster.urls, { prefix: 'mine', auth: USER, attempts: 1 })
    await expect(opening).rejects.toMatchObject({ code: 'KV_IO', cause: expect.any(Error) })
  })

  it.each([
    ['no password', {}],
    ['a wrong password', { auth: { ...USER, password: 'x' } }],
    ['a prefix of somebody else', { auth: USER, prefix: 'yours' }],
  ])('refuse %s', async (_, options) => {
    const opening = openEtcd(cluster.urls, { prefix: 'mine', fetch: secure, ...options })
    await expect(opening).rejects.toMatchObject({ code: 'KV_IO' })
  })

  it('get a new token when the old one is not valid any more', { timeout: 60_000 }, async () => {
    let logins = 0
    const kv = await openEtcd(cluster.urls, {
      prefix: 'mine',
      auth: USER,
      fetch: (url, init) => {
        if (url.endsWith('/authenticate')) logins++
        return secure(url, init)
      },
    })
    await kv.set('/v', bytes('1'))
    expect(logins).toBe(1)
    const { token } = await ask('/v3/auth/authenticate', { name: 'root', password: 'root' })
    // Takes every token of the user away.
    await ask('/v3/auth/user/changepw', { name: USER.user, password: USER.password }, token)
    await Promise.all([kv.set('/v', bytes('2')), kv.set('/w', bytes('3')), kv.get('/v'), kv.list('/')])
    expect(logins).toBe(2)
    expect(await kv.get('/v')).toEqual(bytes('2'))
    await kv.disconnect()
  })
})

/** A CA, and a server's certificate for 127.0.0.1 signed by it. */
function makeCertificates(cwd: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA')
  openssl(
    ...['req', '-x509', ...key, '-keyout', 'server.key', '-out', 'server.pem', '-subj', '/CN=etcd'],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  )
}
