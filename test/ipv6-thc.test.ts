// thc-ipv6, which attacks: malformed packets case by case beside the answers of Linux, and floods that end by their process id.
import { formatIpv6, ipv6, ipv6Prefix } from '@fata/addr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ipv6Host, type Ipv6HostOptions, startIpv6Host } from './support/ipv6-host.ts'
import { createNetns, type Netns } from './support/netns.ts'
import type { Finished } from './support/process.ts'
import { describeWith } from './support/requirements.ts'

const OWN = 'fd00::2'
const ROUTER = 'fe80::1'
const OFF_LINK = '2001:db8:ffff::1'
/** The tool waits for answers that do not come. */
const PATIENCE = 300_000

interface Target {
  readonly netns: Netns
  readonly host: Ipv6Host
}

async function startTarget(options: Ipv6HostOptions = {}): Promise<Target> {
  const netns = createNetns()
  const host = startIpv6Host(netns, {
    addresses: [ipv6Prefix(`${OWN}/64`)],
    kernel: ['fd00::1/64', `${ROUTER}/64`],
    gateway: ipv6(ROUTER),
    maxStartDelayMs: 0,
    ...options,
  })
  await host.layer.ready
  return { netns, host }
}

async function endTarget({ netns, host }: Target): Promise<void> {
  const faults = await host.close()
  await netns.close()
  expect(faults).toBe('')
}

async function expectAnswer({ netns }: Target): Promise<void> {
  const output = await netns.check('ping', ['-6', '-c', '3', '-i', '0.2', '-W', '5', OWN])
  expect(output).toMatch(/[123] received/)
}

/** Every table is within its bound. */
function expectBounds({ host }: Target): void {
  const state = host.layer.state()
  expect(state.neighbors.length).toBeLessThanOrEqual(512)
  expect(state.routes.length).toBeLessThanOrEqual(64)
  expect(state.prefixes.length).toBeLessThanOrEqual(32)
  expect(state.addresses.length).toBeLessThanOrEqual(18)
  expect(state.dnsServers.length).toBeLessThanOrEqual(8)
  expect(state.searchDomains.length).toBeLessThanOrEqual(8)
  expect(state.reassembly.bytes).toBeLessThanOrEqual(262_144)
  expect(state.reassembly.packets).toBeLessThanOrEqual(256)
}

/** An answer of implementation6: a reply, silence, or type and code of an ICMPv6 error. */
type Answer = 'reply' | 'silence' | '4:0' | '4:1' | '4:2'

/** What Linux 6.18 answers; to the other cases it is silent. */
const LINUX: Readonly<Record<Exclude<Answer, 'silence'>, readonly number[]>> = {
  reply: [1, 5, 7, 8, 9, 10, 11, 12, 18, 22, 24, 25, 27, 39, 41, 56],
  '4:0': [19, 20, 21, 23, 37, 38, 47, 48],
  '4:1': [3, 4, 14, 15, 26, 32, 35],
  '4:2': [30, 49, 50],
}
const CASES = Array.from({ length: 57 }, (_, i) => i + 1)

/** Where we answer otherwise, and what allows or demands that. */
const DIFFERENT: Readonly<Record<number, { readonly answer: Answer; readonly since: string }>> = {
  8: { answer: 'silence', since: '128 destination options headers: RFC 8504 §5.3 allows a limit, silently' },
  9: { answer: 'silence', since: '2000 destination options headers: likewise' },
  10: { answer: 'silence', since: '8172 destination options headers: likewise' },
  47: { answer: '4:2', since: 'a jumbo payload option, where there are no jumbograms: RFC 2675 §3 wants code 2' },
}

function answerOfLinux(n: number): Answer {
  for (const answer of ['reply', '4:0', '4:1', '4:2'] as const) if (LINUX[answer].includes(n)) return answer
  return 'silence'
}

function parseAnswers(output: string): Map<number, string> {
  const answers = new Map<number, string>()
  for (const [, n, what, error] of output.matchAll(/^Test +(\d+): .*?(PASSED|no reply|error reply \[(\d+:\d+)\])/gm)) {
    answers.set(Number(n), what === 'PASSED' ? 'reply' : (error ?? 'silence'))
  }
  return answers
}

describeWith(['tap', 'ping', 'tshark', 'atk6-implementation6'], 'IPv6 under attack by thc-ipv6', () => {
  describe('implementation6', () => {
    let target: Target
    let other: Target
    let answers: Map<number, string>
    let fragmented: Finished

    // Both do little but wait, so they wait at the same time, each in a namespace of its own.
    beforeAll(async () => {
      target = await startTarget()
      other = await startTarget()
      const [implementation, fragmentation] = await Promise.all([
        target.netns.run('atk6-implementation6', ['-p', 'tap0', OWN]),
        other.netns.run('atk6-fragmentation6', ['-p', 'tap0', OWN]),
      ])
      answers = parseAnswers(implementation.stdout)
      fragmented = fragmentation
    }, PATIENCE)
    afterAll(async () => {
      await endTarget(target)
      await endTarget(other)
    })

    it.each(
      CASES.map((n) => [n, DIFFERENT[n]?.answer ?? answerOfLinux(n), DIFFERENT[n]?.since ?? 'as Linux'] as const),
    )('case %i: %s, %s', (n, expected) => {
      expect(answers.get(n)).toBe(expected)
    })

    it('has no difference from Linux that is none', () => {
      for (const [n, { answer }] of Object.entries(DIFFERENT)) expect(answer).not.toBe(answerOfLinux(Number(n)))
    })

    it('leaves the host well', async () => {
      await expectAnswer(target)
      expectBounds(target)
    })

    it('fragmentation6: the host survives its 33 cases, within its bounds, and answers', async () => {
      expect(fragmented.stdout).toContain('DOS 33')
      expect(fragmented.stdout).toContain('ATTACK END')
      await expectAnswer(other)
      expectBounds(other)
      const { dropped, reassembled } = other.host.layer.stats
      expect(dropped['fragment-overlap']).toBeGreaterThan(0)
      expect(dropped['fragment-too-far']).toBeGreaterThan(0)
      expect(reassembled).toBeGreaterThan(0)
    })
  })

  describe('a flood', () => {
    let target: Target

    beforeAll(async () => {
      target = await startTarget()
    })
    afterAll(() => endTarget(target))

    const seen = (): number => {
      const { received, dropped } = target.host.layer.stats
      return received + Object.values(dropped).reduce((sum, n) => sum + n, 0)
    }

    /** Runs the tool until so many packets have come, while the kernel goes on asking; then the host is well. */
    async function flood(tool: string, args: readonly string[], packets: number): Promise<void> {
      const before = seen()
      const running = target.netns.start(tool, args)
      for (let i = 0; i < 50 && seen() - before < packets; i++) {
        await target.netns.run('ping', ['-6', '-c', '1', '-W', '1', OWN])
      }
      await running.stop('SIGKILL')
      expect(seen() - before).toBeGreaterThanOrEqual(packets)
      await expectAnswer(target)
      expectBounds(target)
    }

    it.each([
      ['of advertisements', 'atk6-flood_advertise6', ['tap0'], 5000],
      ['of solicitations, each from another neighbor', 'atk6-flood_solicitate6', ['tap0', OWN, OWN], 5000],
      ['of packets for addresses that nobody has', 'atk6-ndpexhaust26', ['-p', '-r', 'tap0', `${OWN}/128`], 5000],
      ['of reports about groups', 'atk6-flood_mld26', ['tap0'], 5000],
      ['of errors about packets', 'atk6-flood_unreach6', ['-R', 'tap0', OWN], 5000],
      ['of redirects', 'atk6-flood_redir6', ['tap0', OWN], 5000],
    ])('%s: %s', async (_, tool, args, packets) => {
      await flood(tool, args, packets)
    })

    it('of packet too big cannot make a path narrower than 1280, RFC 8201 §4', async () => {
      await target.netns.check('atk6-toobig6', ['tap0', OWN, 'fd00::1', '600'])
      expect(target.host.layer.mtu(ipv6('fd00::1'))).toBe(1500 - 40)
      expect(target.host.layer.stats.dropped['icmp-mtu-too-small']).toBeGreaterThan(0)
      await target.netns.check('atk6-toobig6', ['tap0', OWN, 'fd00::1', '1280'])
      expect(target.host.layer.mtu(ipv6('fd00::1'))).toBe(1280 - 40)
      await expectAnswer(target)
    })

    it('of vulnerabilities of others does nothing', async () => {
      const { stdout } = await target.netns.run('atk6-exploit6', ['tap0', OWN])
      expect(stdout).toContain('PASSED')
      await expectAnswer(target)
      expectBounds(target)
    })

    // The last ones: what they advertise stays.
    it('by a false router does not move the configured one', async () => {
      const options = ['-A', '2001:db8:66::/64', '-R', '2001:db8:67::/48', '-D', '2001:db8:66::53', '-n', '1']
      const rogue = target.netns.start('atk6-fake_router26', [...options, 'tap0'])
      await target.host.event((e) => e.kind === 'dns')
      await rogue.stop('SIGKILL')
      const routes = target.host.layer.state().routes.map((r) => `${formatIpv6(r.router)} ${r.origin}`)
      expect(routes[0]).toMatch(/^fe80::1(%tap0)? static$/)
      await expectAnswer(target)
      expectBounds(target)
    })

    it('of router advertisements fills every table to its bound, and counts the rest', async () => {
      await flood('atk6-flood_router26', ['tap0'], 100)
      expect(target.host.layer.stats.ignored['too-many-routes']).toBeGreaterThan(0)
      expect(target.host.layer.stats.ignored['too-many-addresses']).toBeGreaterThan(0)
    })
  })

  describe('a third host on the link', () => {
    let target: Target
    let attacker: Netns

    beforeAll(async () => {
      target = await startTarget({ kernel: [] })
      attacker = createNetns()
      const { netns } = target
      await netns.check('ip', ['link', 'add', 'br0', 'type', 'bridge'])
      await netns.check('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'e0', 'netns', attacker.name])
      for (const port of ['tap0', 'v0']) await netns.check('ip', ['link', 'set', port, 'master', 'br0', 'up'])
      await netns.check('ip', ['link', 'set', 'br0', 'up'])
      for (const address of ['fd00::1/64', `${ROUTER}/64`]) {
        await netns.check('ip', ['address', 'add', address, 'dev', 'br0', 'nodad'])
      }
      await attacker.check('ip', ['link', 'set', 'e0', 'up'])
      await attacker.check('ip', ['address', 'add', 'fd00::3/64', 'dev', 'e0', 'nodad'])
    })
    afterAll(async () => {
      await attacker.close()
      await endTarget(target)
    })

    const neighbors = (): string[] =>
      target.host.layer.state().neighbors.map((n) => formatIpv6(n.address).replace(/%.*/, ''))

    it('leads one destination astray with a redirect that passes every check of RFC 4861 §8.1, and no other', async () => {
      const attack = ['-s', 'KILL', '10', 'atk6-redir6', 'e0', OWN, OFF_LINK, ROUTER, 'fe80::66', '02:00:00:00:00:66']
      const { stderr, stdout } = await attacker.run('timeout', attack)
      expect(`${stdout}${stderr}`).toMatch(/sent/i)
      expect(neighbors()).toContain('fe80::66')
      await expectAnswer(target)
    })
  })
})
