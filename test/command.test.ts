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

describe('fata dhcp and its like on the virtual LAN', () => {
  it('asks the other end for a lease, and shows it', async () => {
    const result = await run('node', [FATA, 'dhcp'])
    expect(result.code, result.stderr).toBe(0)
    expect(result.stdout).toMatch(/^address +10\.0\.0\.\d+\/24$/m)
    expect(result.stdout).toMatch(/^routes +0\.0\.0\.0\/0 by 10\.0\.0\.1$/m)
    expect(result.stderr).toBe('')
  })

  it('finds the way to the other end', async () => {
    const result = await run('node', [FATA, 'traceroute', 'fd00::1', '--probes=1'])
    expect(result.code, result.stderr).toBe(0)
    expect(result.stdout).toMatch(/^ {2}1 {2}fd00::1 {2}\S+ ms$/m)
  })
})

describe("fata over the host's sockets", () => {
  it('serves where --ipv4 says and nowhere else, and fetches from there', async () => {
    const server = start('node', [
      FATA,
      'serve',
      `--store=dir:${website}`,
      '--socket',
      '--ipv4=127.0.0.1/24',
      '--port=18080',
    ])
    await server.line(/^try: curl http:\/\/127\.0\.0\.1:18080\/$/)
    const page = await run('node', [FATA, 'fetch', '--socket', 'http://localhost:18080/'])
    expect(page.code, page.stderr).toBe(0)
    expect(page.stdout).toContain('written in TypeScript')
    const missing = await run('node', [FATA, 'fetch', '--socket', 'http://127.0.0.1:18080/nothing'])
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/^fata: http:\/\/127\.0\.0\.1:18080\/nothing: 404 Not Found\n$/)
    const elsewhere = await run('node', [FATA, 'fetch', '--socket', 'http://127.0.0.2:18080/'])
    expect(elsewhere.code).toBe(1)
    expect(elsewhere.stderr.trimEnd().split('\n')).toHaveLength(1)
    const ended = await server.stop('SIGINT')
    expect(ended.code, ended.stderr).toBe(0)
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
    [['ping'], /^fata: ping needs a host/],
    [['ping', '10.0.0.1', '10.0.0.2'], /^fata: ping takes one host, got '10\.0\.0\.2' as well$/],
    [['ping', '10.0.0.1', '--socket'], /^fata: ping needs a stack of its own: not with --socket$/],
    [['traceroute', '10.0.0.1', '--max-hops=0'], /^fata: --max-hops must be/],
    [['fetch', 'ftp://10.0.0.1/'], /^fata: not an HTTP URL: 'ftp:\/\/10\.0\.0\.1\/'$/],
    [['iperf3'], /^fata: iperf3 is a server \(-s\) or a client \(-c HOST\)$/],
    [['iperf3', '-s', '-b', '1X'], /^fata: --bitrate must be a number with K, M or G, not '1X'$/],
    [['dhcp', '--no-dhcp'], /^fata: dhcp asks for an IPv4 address: no --ipv4, --no-dhcp or --ipv6-only$/],
    [['serve', '--store=tape:3'], /^fata: --store must be dir:PATH/],
    [['serve', website, '--store=dir:x'], /^fata: serve takes a directory or --store, not both/],
    [
      ['serve', website, '--socket', '--interface=tap0'],
      /^fata: --socket goes by the host's own interfaces: no --interface$/,
    ],
    [['serve', website, '--socket', '--ipv4=192.0.2.99/24'], /^fata: 192\.0\.2\.99 is not an address of this host$/],
    [['serve', website, '--wan-ipv4=10.0.0.2/24'], /^fata: each group of arguments needs an --interface of its own$/],
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
