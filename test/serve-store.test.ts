// A website in a store on other machines: real etcd, the command as it is built.

import { copy } from '@fata/kv'
import { openDirReadOnly } from '@fata/kv-dir'
import { openEtcd } from '@fata/kv-etcd'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../packages/kv-etcd/test/cluster.ts'
import { FATA } from './support/fata.ts'
import { start } from './support/process.ts'
import { describeWith } from './support/requirements.ts'

const website = new URL('../examples/website', import.meta.url).pathname
const bytes = (value: string) => new TextEncoder().encode(value)

describeWith(['etcd'], 'fata serve --store=etcd:', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster?.stop())

  it('serves what is below the prefix, and what has changed since', async () => {
    const kv = await openEtcd(cluster.urls, { prefix: 'my site' })
    const other = await openEtcd(cluster.urls, { prefix: 'other' })
    await copy(await openDirReadOnly(website), kv)
    await other.set('/secret.html', bytes('not of the site'))

    const server = start('node', [FATA, 'serve', `--store=etcd:${cluster.urls[0]}/my%20site`, '--forward=0'])
    const [, url] = await server.line(/^open (http:\S+)/)
    const page = await fetch(url!)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await page.text()).toContain('written in TypeScript')
    expect((await fetch(`${url}about/`)).status).toBe(200)
    expect((await fetch(`${url}secret.html`)).status).toBe(404)

    await kv.set('/index.html', bytes('<h1>Changed</h1>'))
    expect(await (await fetch(url!)).text()).toBe('<h1>Changed</h1>')

    const ended = await server.stop('SIGINT')
    expect(ended.code, ended.stderr).toBe(0)
    await kv.disconnect()
    await other.disconnect()
  })

  it('answers 500 where etcd is gone, and ends', async () => {
    const lost = await startCluster()
    const kv = await openEtcd(lost.urls)
    await kv.set('/index.html', bytes('<h1>Hello</h1>'))
    await kv.disconnect()
    const server = start('node', [FATA, 'serve', `--store=etcd:${lost.urls[0]}`, '--forward=0'])
    const [, url] = await server.line(/^open (http:\S+)/)
    expect(await (await fetch(url!)).text()).toBe('<h1>Hello</h1>')
    await lost.stop()
    expect((await fetch(url!)).status).toBe(500)
    const ended = await server.stop('SIGINT')
    expect(ended.code, ended.stderr).toBe(0)
  }, 60_000)
})
