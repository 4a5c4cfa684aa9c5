// The command as a newcomer types it: on the virtual LAN, without root, and with everything that can be typed wrong.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { FATA, temporaryFolder } from './support/fata.ts'
import { run, start } from './support/process.ts'

const website = new URL('../examples/website', import.meta.url).pathname

describe('fata on the virtual LAN', () => {
  it('serves a website to a port of 127.0.0.1 and ends with 0 on SIGINT', async () => {
    const server = start('node', [FATA, 'serve', website, '--forward=0'])
    const [, url] = await server.line(/^open (http:\S+)/)
    const response = await fetch(url!)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('written in TypeScript')
    expect((await fetch(`${url}about/`)).status).toBe(200)
    expect((await fetch(`${url}nothing`)).status).toBe(404)
    const ended = await server.stop('SIGINT')
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stdout).toContain('10.0.0.2/24')
    expect(ended.stdout).toContain('fd00::2/64')
  })

  it.each([
    ['--ipv4-only', /^10\.0\.0\.2/],
    ['--ipv6-only', /^fd00::2|fe80::/],
  ])('serves with %s', async (flag, address) => {
    const server = start('node', [FATA, 'serve', website, '--forward=0', flag])
    const [, url] = await server.line(/^open (http:\S+)/)
    expect((await fetch(url!)).status).toBe(200)
    const ended = await server.stop()
    expect(ended.code, ended.stderr).toBe(0)
    expect(/: (\S+)/.exec(ended.stdout)![1]).toMatch(address)
  })

  it('pings the other end of the LAN', async () => {
    for (const host of ['10.0.0.1', 'fd00::1']) {
      const result = await run('node', [FATA, 'ping', host, '--count=2', '--interval=0.01'])
      expect(result.code, result.stderr).toBe(0)
      expect(result.stdout).toMatch(/2 sent, 2 received, 0% lost/)
    }
  })

  it('says when nobody answers, and ends with 1', async () => {
    const result = await run('node', [FATA, 'ping', '10.0.0.77', '--count=1', '--timeout=10'])
    expect(result.code).toBe(1)
    expect(result.stdout).toMatch(/host unreachable/)
  })
})

describe('fata with wrong arguments', () => {
  it.each([
    [['serv'], /^fata: no command 'serv'; there are serve, services, ping/],
    [['serve'], /^fata: serve needs a directory/],
    [['serve', website, '--ipv4=10.0.0.2'], /^fata: --ipv4: not a prefix \(address\/length\): '10\.0\.0\.2'$/],
    [['serve', website, '--ipv4=10.0.0.0/24'], /^fata: ipv4: 10\.0\.0\.0\/24 is not the address of a host$/],
    [['serve', website, '--ipv4-only', '--ipv6-only'], /^fata: --ipv4-only and --ipv6-only exclude each other$/],
    [['serve', website, '--port=0'], /^fata: --port must be a whole number in 1\.\.65535, not '0'$/],
    [['serve', website, '--port=http'], /^fata: --port must be a whole number in 1\.\.65535, not 'http'$/],
    [['serve', website, '--mtu=12'], /^fata: --mtu must be a whole number in 1280\.\.65535, not '12'$/],
    [['serve', website, '--log=loud'], /^fata: --log must be one of debug, info, warn, error, silent, not 'loud'$/],
    [['serve', website, '--colour'], /^fata: Unknown option '--colour'/],
    [['serve', website, 'more'], /^fata: serve takes one directory, got 'more' as well$/],
    [['ping'], /^fata: ping needs an address/],
    [['ping', 'localhost'], /^fata: not an IP address: 'localhost'/],
    [['ping', '10.0.0.1', '--count=-1'], /^fata: --count must be/],
  ])('%j: one line, exit status 2', async (args, message) => {
    const result = await run('node', [FATA, ...args])
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(result.stderr.trimEnd()).toMatch(message)
    expect(result.code).toBe(2)
    expect(result.stdout).toBe('')
  })
})

describe('fata where the machine refuses', () => {
  it('names a directory that does not exist', async () => {
    const result = await run('node', [FATA, 'serve', '/nonexistent/site'])
    expect(result.stderr).toMatch(/^fata: cannot serve \/nonexistent\/site: ENOENT: no such file or directory.*\n$/)
    expect(result.code).toBe(1)
  })

  it('names a port in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    const result = await run('node', [FATA, 'serve', website, `--forward=${port}`])
    holder.close()
    expect(result.stderr).toBe(`fata: port ${port} of 127.0.0.1 is in use\n`)
    expect(result.code).toBe(1)
  })

  it('says what an interface needs that cannot be opened', async () => {
    const result = await run('node', [FATA, 'serve', website, '--interface=no/such-name'])
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(result.stderr).toMatch(/^fata: .*no\/such-name/)
    expect(result.code).toBe(1)
  })

  it('names a capture file that cannot be written', async () => {
    const folder = temporaryFolder()
    const result = await run('node', [FATA, 'serve', website, '--forward=0', `--pcap=${folder.path}/missing/x.pcapng`])
    folder.remove()
    expect(result.stderr).toMatch(/^fata: .*missing\/x\.pcapng/)
    expect(result.code).toBe(1)
  })
})
