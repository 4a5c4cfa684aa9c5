import { describe, expect, it } from 'vitest'
import { MODES, type Mode, modesOf, type RunOptions, runScript } from '../src/index.ts'

const LISTEN = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`
const ACCEPT = `${LISTEN}
+0 < S 0:0(0) win 10000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 10000
+0 accept(3, ..., ...) = 4
`

function run(text: string, options?: RunOptions, mode: Mode = 'ipv4') {
  return runScript(text, mode, options)
}

async function messageOf(text: string, options?: RunOptions): Promise<string> {
  const verdict = await run(text, options)
  return verdict.kind === 'pass' ? 'pass' : `${verdict.kind} ${verdict.message}`
}

describe('verdicts', () => {
  it.each(MODES)('a script that holds, over %s', async (mode) => {
    expect(await run(`${ACCEPT}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1`, {}, mode)).toEqual({
      kind: 'pass',
    })
  })

  it.each([
    ['> . 1:2501(2500) ack 1', 'PSH is set'],
    ['> P. 1:2401(2400) ack 1', 'payload is 2500'],
    ['> P. 1:2601(2600) ack 1', 'nothing was sent after'],
    ['> P. 2:2502(2500) ack 1', 'sequence number is 1 instead of 2'],
    ['> P. 1:2501(2500) ack 2', 'acknowledgment is 1 instead of 2'],
    ['> P. 1:2501(2500) ack 1 win 5', 'window is'],
    ['> P. 1:2501(2500) ack 1 <nop,nop,sackOK>', 'options differ'],
    ['> P. 1:2501(2500) ack 1 urg 3', 'urgent pointer'],
    ['> [ect0] P. 1:2501(2500) ack 1', 'ECN field'],
    ['> (tos 0x20) P. 1:2501(2500) ack 1', 'TOS'],
    ['> (ttl 3) P. 1:2501(2500) ack 1', 'TTL'],
  ])('one that does not: %s', async (line, message) => {
    expect(await messageOf(`${ACCEPT}+0 write(4, ..., 2500) = 2500\n+0 ${line}`)).toContain(`fail ${message}`)
  })

  it('the line, and the time that something came at', async () => {
    const text = `${ACCEPT}+0 write(4, ..., 500) = 500\n+0 > P. 1:501(500) ack 1\n+.1 > P. 1:501(500) ack 1`
    expect(await run(text)).toEqual({
      kind: 'fail',
      line: 12,
      message: expect.stringMatching(/expected at 0.2\d+, it came at 1\.\d+|nothing was sent by/),
    })
  })

  it('calls that return something else, or do not return', async () => {
    expect(await messageOf(`${ACCEPT}+0 write(4, ..., 5) = 4`)).toBe('fail write returned 5 instead of 4')
    expect(await messageOf(`${ACCEPT}+0 read(4, ..., 5) = 5`)).toBe('fail read does not return')
    expect(await messageOf(`${LISTEN}+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n+0 accept(3, ..., ...) = 4`)).toBe(
      'fail accept returned -1 EAGAIN (Resource temporarily unavailable) instead of 4',
    )
    expect(await messageOf(`${LISTEN}+0 getsockopt(3, SOL_SOCKET, SO_TYPE, [2], [4]) = 0`)).toBe(
      'fail the option is 1 instead of 2',
    )
  })

  it('calls that wait as long as they should', async () => {
    const script = (end: string): string => `${ACCEPT}+0...${end} read(4, ..., 9) = 9\n+.5 < P. 1:10(9) ack 1 win 10000`
    expect(await messageOf(script('.5'))).toBe('pass')
    expect(await messageOf(script('.9'))).toContain('fail the call should return at')
    expect(await messageOf(`${ACCEPT}+0...1 read(4, ..., 9) = 9`)).toContain('fail the call still waits')
  })

  it('what cannot be done here is no failure', async () => {
    expect(await messageOf('`tc qdisc add dev tun0 root fq`\n0 f() = 0')).toContain('skip no such command here: tc')
    expect(await messageOf('0 `sysctl -w net.ipv4.tcp_nonsense=1`')).toContain('skip sysctl net.ipv4.tcp_nonsense')
    expect(await messageOf('0 mmap() = 0')).toBe('skip the call mmap')
    expect(await messageOf(`${LISTEN}+0 < gre: S 0:0(0) win 1`)).toContain('skip packets within gre')
    expect(await messageOf('--wire_client\n0 f() = 0')).toContain('skip the option --wire_client')
  })

  it('a text that is no script fails', async () => {
    expect(await run('0 what')).toMatchObject({ kind: 'fail', line: 1 })
  })
})

describe('what scripts can be', () => {
  it('relaxed', async () => {
    const text = `${LISTEN}+0 < S 0:0(0) win 9 <mss 1000,sackOK,wscale 1,nop>\n+0 > S. 0:0(0) ack 1 win 7 <mss 1460,sackOK,wscale 8>`
    expect(await messageOf(text)).toContain('fail')
    expect(await messageOf(text, { relaxed: true })).toBe('pass')
  })

  it('of one family', () => {
    expect(modesOf('--ip_version=ipv4_mapped_ipv6\n0 f() = 0', MODES)).toEqual(['ipv4-mapped-ipv6'])
    expect(modesOf('0 f() = 0', MODES)).toEqual(MODES)
  })

  it('about knobs', async () => {
    const text = `\`./set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 /proc/sys/net/ipv4/tcp_rmem="4096 100000 100000"\`${LISTEN}
      +0 < S 0:0(0) win 9 <mss 1000,sackOK,nop,wscale 1,nop>\n+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 1>`
    expect(await messageOf(text)).toBe('pass')
  })

  it('about timestamps, in the count of the script', async () => {
    const text = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
      +0 fcntl(3, F_SETFL, O_NONBLOCK) = 0
      +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
      +0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>
      +.1 < S. 500:500(0) ack 1 win 9000 <mss 1000,sackOK,TS val 7 ecr 100>
      +0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 7>
      +.1 < . 1:1(0) ack 1 win 9000 <nop,nop,TS val 8 ecr ECHO>
      +0 %{ assert tcpi_options & TCPI_OPT_TIMESTAMPS and tcpi_state == TCP_ESTABLISHED }%`
    expect(await messageOf(text.replace('ECHO', '200'))).toBe('pass')
    expect(await messageOf(text.replace('ECHO', '150'))).toContain('no outbound packet had the timestamp 150')
  })

  it('about ICMP', async () => {
    const text = `${ACCEPT}+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1
      +.01 < icmp unreachable frag_needed mtu 600 [1:1001(1000)]\n+0~+.3 > P. 1:561(560) ack 1`
    expect(await messageOf(text)).toContain('PSH is not set')
    expect(await messageOf(text.replace('P. 1:561', '. 1:561'))).toBe('pass')
  })

  it('about datagrams', async () => {
    const text = `0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 bind(3, ..., ...) = 0\n+0 connect(3, ..., ...) = 0
      +0 write(3, ..., 10) = 10\n+0 > udp (10)\n+.1 < udp (20)\n+0 read(3, ..., 100) = 20`
    expect(await messageOf(text)).toBe('pass')
    expect(await messageOf(text.replace('> udp (10)', '> udp (11)'))).toContain('payload is 10 instead of 11')
  })
})
