// The kernel's own TCP/IP and the usual tools against `fata serve` and `fata services`, over a TAP in a network namespace.
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FATA, temporaryFolder } from './support/fata.ts'
import { createNetns, type Netns } from './support/netns.ts'
import type { Running } from './support/process.ts'
import { describeWith } from './support/requirements.ts'

const MIB = 1024 * 1024
const BIG = 50 * MIB
const here = new URL('.', import.meta.url).pathname
const networkArguments = ['--interface=tap0', '--ipv4=10.0.0.2/24', '--ipv6=fd00::2/64']
const families = [
  { family: 'IPv4', address: '10.0.0.2', host: '10.0.0.2', flag: '-4' },
  { family: 'IPv6', address: 'fd00::2', host: '[fd00::2]', flag: '-6' },
]
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

describeWith(['tap', 'ping', 'curl', 'tshark'], 'fata serve over a TAP', () => {
  const folder = temporaryFolder()
  const site = join(folder.path, 'site')
  const capture = join(folder.path, 'serve.pcapng')
  const big = randomBytes(BIG)
  const page = '<!doctype html><title>hello</title>\n'
  let netns: Netns
  let server: Running

  beforeAll(async () => {
    mkdirSync(join(site, 'docs'), { recursive: true })
    writeFileSync(join(site, 'index.html'), page)
    writeFileSync(join(site, 'docs', 'index.html'), page)
    writeFileSync(join(site, 'big.bin'), big)
    netns = createNetns()
    server = netns.start('node', [FATA, 'serve', site, ...networkArguments])
    await server.line(/^try: curl/)
  })
  afterAll(async () => {
    await netns?.close()
    folder.remove()
  })

  for (const { family, address, host, flag } of families) {
    it.each([0, 56, 1400])(`${family}: answers the kernel's ping of %i bytes`, async (size) => {
      const output = await netns.check('ping', [flag, '-c', '3', '-i', '0.05', '-W', '2', '-s', String(size), address])
      expect(output).toMatch(/3 packets transmitted, 3 received, 0% packet loss/)
    })

    it(`${family}: curl fetches a page`, async () => {
      expect(await netns.check('curl', ['-sgS', '--max-time', '10', `http://${host}/`])).toBe(page)
    })

    it(`${family}: curl fetches 50 MiB`, async () => {
      const body = join(folder.path, `${family}.bin`)
      await netns.check('curl', ['-sgS', '--max-time', '60', '-o', body, `http://${host}/big.bin`])
      expect(await netns.check('sha256sum', [body])).toContain(sha256(big))
    })

    it(`${family}: the kernel's neighbor table shows our MAC, which is not its own`, async () => {
      const [entry] = JSON.parse(await netns.check('ip', ['-j', 'neighbor', 'show', 'to', address])) as {
        lladdr: string
      }[]
      const [own] = JSON.parse(await netns.check('ip', ['-j', 'link', 'show', 'dev', 'tap0'])) as { address: string }[]
      expect(entry!.lladdr).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)
      expect(entry!.lladdr).not.toBe(own!.address)
    })
  }

  it('serves 50 curls at once', async () => {
    const fetches = Array.from({ length: 50 }, () =>
      netns.check('curl', ['-sgS', '--max-time', '60', '-r', `0-${MIB - 1}`, 'http://10.0.0.2/big.bin']),
    )
    const wanted = sha256(big.subarray(0, MIB))
    for (const body of await Promise.all(fetches)) expect(sha256(Buffer.from(body, 'latin1'))).toBe(wanted)
  })

  it('answers ranges, validators, HEAD, directories and what is not there, on one connection', async () => {
    const head = await netns.check('curl', ['-sgSI', '--max-time', '10', 'http://10.0.0.2/'])
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r$/m)
    expect(head).toMatch(/^Content-Type: text\/html; charset=utf-8\r$/m)
    expect(head).toMatch(/^Last-Modified: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r$/m)
    const etag = /^ETag: (\S+)\r$/m.exec(head)![1]!

    const status = ['-o', '/dev/null', '-w', '%{http_code} %{size_download} %{num_connects}\n']
    const output = await netns.check('curl', [
      ...['-sgS', '--max-time', '10', ...status, '-H', `If-None-Match: ${etag}`, 'http://10.0.0.2/', '--next'],
      ...['-sgS', ...status, '-r', '5-9', 'http://10.0.0.2/big.bin', '--next'],
      ...['-sgS', ...status, '-r', `${BIG}-`, 'http://10.0.0.2/big.bin', '--next'],
      ...['-sgS', ...status, 'http://10.0.0.2/docs', '--next'],
      ...['-sgS', ...status, 'http://10.0.0.2/docs/', '--next'],
      ...['-sgS', ...status, '-X', 'POST', 'http://10.0.0.2/', '--next'],
      ...['-sgS', ...status, 'http://10.0.0.2/nothing'],
    ])
    const answers = output
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
    expect(answers.map(([code]) => code)).toEqual(['304', '206', '416', '301', '200', '405', '404'])
    expect(answers[1]![1]).toBe('5')
    expect(answers.map(([, , connects]) => connects)).toEqual(['1', '0', '0', '0', '0', '0', '0'])
  })

  it('refuses connections to a closed port at once', async () => {
    const result = await netns.run('curl', ['-sgS', '--max-time', '10', 'http://10.0.0.2:81/'])
    expect(result.stderr).toMatch(/Connection refused|Couldn't connect/)
  })

  it('writes a capture that tshark reads without a warning, and ends with 0 on SIGINT', async () => {
    const other = createNetns()
    try {
      const recorded = other.start('node', [FATA, 'serve', site, ...networkArguments, `--pcap=${capture}`])
      await recorded.line(/^try: curl/)
      expect(await other.check('curl', ['-sgS', '--max-time', '10', 'http://10.0.0.2/'])).toBe(page)
      const ended = await recorded.stop('SIGINT')
      expect(ended.code, ended.stderr).toBe(0)
      const shown = await other.run('tshark', ['-r', capture, '-Y', 'http'])
      expect(shown.code, shown.stderr).toBe(0)
      expect(shown.stdout).toMatch(/GET \/ HTTP\/1\.1/)
      expect(shown.stdout).toMatch(/HTTP\/1\.1 200 OK/)
      expect(shown.stderr.replace(/^Running as user "root".*\n/m, '')).toBe('')
      const malformed = await other.check('tshark', ['-r', capture, '-Y', '_ws.malformed'])
      expect(malformed).toBe('')
    } finally {
      await other.close()
    }
  })

  it('ends with 0 on SIGTERM while connections are open', async () => {
    const open = netns.start('curl', ['-sgS', '--limit-rate', '10k', '-o', '/dev/null', 'http://10.0.0.2/big.bin'])
    await netns.check('curl', ['-sgS', '--max-time', '10', 'http://10.0.0.2/'])
    const ended = await server.stop('SIGTERM')
    expect(ended.code, ended.stderr).toBe(0)
    expect((await open.finished).code).not.toBe(0)
  })
})

describeWith(['tap'], 'fata services over a TAP', () => {
  let netns: Netns

  beforeAll(async () => {
    netns = createNetns()
    await netns.start('node', [FATA, 'services', ...networkArguments]).line(/^try: nc/)
  })
  afterAll(() => netns?.close())

  for (const { family, address } of families) {
    it(`${family}: echoes 50 MiB`, async () => {
      const output = await netns.check('node', [join(here, 'support/echo-client.mjs'), address, '7', String(BIG)])
      expect(output).toMatch(new RegExp(`^[0-9a-f]{64} ${BIG}$`, 'm'))
    })

    it(`${family}: echoes a datagram`, async () => {
      expect(await netns.check('node', [join(here, 'support/udp-client.mjs'), address, '7', 'hello'])).toBe('hello')
    })

    it(`${family}: tells the sender of a closed port`, async () => {
      const result = await netns.run('node', [join(here, 'support/udp-client.mjs'), address, '4242', 'hello'])
      expect(result.stderr.trim()).toBe('ECONNREFUSED')
    })
  }

  it('generates characters on TCP and UDP', async () => {
    const line = ' !"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg'
    const tcp = await netns.check('bash', ['-c', 'exec 3<>/dev/tcp/10.0.0.2/19; head -c 74 <&3'])
    expect(tcp).toBe(`${line}\r\n`)
    expect(await netns.check('node', [join(here, 'support/udp-client.mjs'), '10.0.0.2', '19', 'x'])).toContain(line)
  })
})
