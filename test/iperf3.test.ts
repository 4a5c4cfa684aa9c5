// An unmodified iperf3 at the other end of `fata iperf3`, over a TAP in a network namespace; and a web server of the kernel's sockets for `fata fetch`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FATA, temporaryFolder } from './support/fata.ts'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'

const NETWORK = ['--interface=tap0', '--ipv4=10.9.0.2/24', '--ipv6=fd09::2/64']

interface Report {
  readonly error?: string
  readonly end: {
    readonly sum_sent: { readonly bytes: number; readonly seconds: number }
    readonly sum_received: { readonly bytes: number }
    readonly sum?: { readonly packets: number; readonly lost_packets: number }
  }
}

describeWith(['tap', 'iperf3'], 'fata iperf3 -s with iperf3 as the client', () => {
  let netns: Netns
  beforeAll(async () => {
    netns = createNetns()
    const server = netns.start('node', [FATA, 'iperf3', '-s', ...NETWORK])
    await server.line(/^try: iperf3 -c/)
  })
  afterAll(() => netns?.close())

  it.each([
    ['TCP', '10.9.0.2', ['-t', '1']],
    ['TCP over IPv6', 'fd09::2', ['-t', '1']],
    ['TCP from the server', '10.9.0.2', ['-t', '1', '-R']],
    ['16 streams', '10.9.0.2', ['-t', '1', '-P', '16']],
    ['a number of bytes', '10.9.0.2', ['-n', '4M']],
  ])('carries %s', async (_name, host, more) => {
    const report = JSON.parse(await netns.check('iperf3', ['-c', host, '-J', ...more])) as Report
    expect(report.error).toBeUndefined()
    expect(report.end.sum_received.bytes).toBeGreaterThan(1_000_000)
    expect(report.end.sum_sent.bytes).toBeGreaterThanOrEqual(report.end.sum_received.bytes)
  })

  it.each([
    ['UDP', []],
    ['UDP from the server, by two streams', ['-R', '-P', '2']],
  ])('carries %s, and counts every datagram', async (_name, more) => {
    const args = ['-c', '10.9.0.2', '-t', '1', '-u', '-b', '4M', '-J', ...more]
    const { end, error } = JSON.parse(await netns.check('iperf3', args)) as Report
    expect(error).toBeUndefined()
    expect(end.sum!.packets).toBeGreaterThan(200)
    expect(end.sum!.lost_packets / end.sum!.packets).toBeLessThan(0.2)
  })

  it('says what it does not do', async () => {
    const { stdout } = await netns.run('iperf3', ['-c', '10.9.0.2', '-t', '1', '-J', '--bidir'])
    expect((JSON.parse(stdout) as Report).error).toMatch(/not implemented/)
  })
})

describeWith(['tap', 'iperf3'], 'fata iperf3 -c with iperf3 as the server', () => {
  let netns: Netns
  beforeAll(async () => {
    netns = createNetns()
    const server = netns.start('iperf3', ['-s', '--forceflush'])
    await server.line(/Server listening/)
  })
  afterAll(() => netns?.close())

  const measure = async (host: string, ...more: string[]): Promise<Report> =>
    JSON.parse(await netns.check('node', [FATA, 'iperf3', '-c', host, '-J', '-t', '1', ...NETWORK, ...more])) as Report

  it.each([
    ['TCP', '10.9.0.1', []],
    ['TCP over IPv6', 'fd09::1', []],
    ['TCP from the server, by 16 streams', '10.9.0.1', ['-R', '-P', '16']],
    ['a number of bytes', '10.9.0.1', ['-n', '4M']],
  ])('carries %s', async (_name, host, more) => {
    const { end } = await measure(host, ...more)
    expect(end.sum_received.bytes).toBeGreaterThan(1_000_000)
    expect(end.sum_sent.bytes).toBeGreaterThanOrEqual(end.sum_received.bytes)
  })

  it.each([
    ['UDP', []],
    ['UDP from the server', ['-R']],
  ])('carries %s, and counts every datagram', async (_name, more) => {
    const { end } = await measure('10.9.0.1', '-u', '-b', '4M', ...more)
    expect(end.sum!.packets).toBeGreaterThan(200)
    expect(end.sum!.lost_packets / end.sum!.packets).toBeLessThan(0.2)
  })

  it('tells of every second, line by line', async () => {
    const output = await netns.check('node', [FATA, 'iperf3', '-c', '10.9.0.1', '-t', '1', ...NETWORK])
    expect(output).toMatch(/^\[ {2}1\] local 10\.9\.0\.2 port \d+ connected to 10\.9\.0\.1 port 5201$/m)
    expect(output).toMatch(/bits\/sec.* receiver$/m)
  })
})

describeWith(['tap', 'python3', 'dnsmasq'], 'fata fetch from a web server of the kernel', () => {
  const folder = temporaryFolder()
  let netns: Netns
  const body = 'x'.repeat(3_000_000)

  beforeAll(async () => {
    netns = createNetns()
    writeFileSync(join(folder.path, 'body.txt'), body)
    const server = netns.start('python3', [
      '-u',
      '-m',
      'http.server',
      '--bind',
      '::',
      '--directory',
      folder.path,
      '8000',
    ])
    await server.line(/^Serving HTTP/)
    netns.start('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--pid-file='],
      ...['--log-facility=-', '--local=/test/', '--host-record=www.test,10.9.0.1,fd09::1'],
    ])
  })
  afterAll(async () => {
    await netns?.close()
    folder.remove()
  })

  it.each(['10.9.0.1', '[fd09::1]', 'www.test'])('gets a file from %s', async (host) => {
    const args = ['fetch', `http://${host}:8000/body.txt`, '--dns-servers=10.9.0.1', ...NETWORK]
    expect(await netns.check('node', [FATA, ...args])).toBe(body)
  })

  it('says what the server says', async () => {
    const { code, stderr } = await netns.run('node', [FATA, 'fetch', 'http://10.9.0.1:8000/nothing', ...NETWORK])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fata: http:\/\/10\.9\.0\.1:8000\/nothing: 404 /m)
  })
})
