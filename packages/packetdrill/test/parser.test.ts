import { describe, expect, it } from 'vitest'
import { parseScript, ScriptError, type ScriptEvent } from '../src/index.ts'

function event(text: string): ScriptEvent {
  return parseScript(text).events[0]!
}

function packet(text: string): unknown {
  const { action } = event(`0 ${text}`)
  return action.kind === 'packet' ? action.packet : undefined
}

function call(text: string): unknown {
  const { action } = event(`0 ${text}`)
  return action.kind === 'call' ? action.call : undefined
}

const tcp = (text: string): unknown => (packet(text) as { body: unknown }).body

describe('times', () => {
  it.each([
    ['1.5', { kind: 'absolute', at: 1_500_000 }],
    ['0', { kind: 'absolute', at: 0 }],
    ['+.001', { kind: 'relative', at: 1000 }],
    ['+0', { kind: 'relative', at: 0 }],
    ['1~2.5', { kind: 'absolute-range', at: 1_000_000, end: 2_500_000 }],
    ['+.3~+.310', { kind: 'relative-range', at: 300_000, end: 310_000 }],
    ['*', { kind: 'any' }],
  ])('%s', (text, time) => {
    expect(event(`${text} > . 1:1(0) ack 1`).time).toEqual(time)
  })

  it.each(['* < . 1:1(0) ack 1', '1~2 < . 1:1(0)', '2~1 > . 1:1(0)', '-1 > . 1:1(0)', '+1~2 > . 1:1(0)'])(
    'not %s',
    (text) => {
      expect(() => parseScript(text)).toThrow(ScriptError)
    },
  )
})

describe('packets', () => {
  it('of TCP', () => {
    expect(packet('< [ect0] FP. 1:1001(1000) ack 5 win 257 urg 3 <nop,nop,TS val 1 ecr 2,sack 3:4 5:6>')).toEqual({
      inbound: true,
      ip: { ecn: 2, tos: undefined, ttl: undefined, flowLabel: undefined },
      around: [],
      body: {
        kind: 'tcp',
        ports: undefined,
        flags: 0x19,
        ace: undefined,
        seq: 1,
        length: 1000,
        ack: 5,
        window: 257,
        urgent: 3,
        options: [
          { kind: 'nop' },
          { kind: 'nop' },
          { kind: 'TS', val: 1, ecr: 2 },
          {
            kind: 'sack',
            blocks: [
              [3, 4],
              [5, 6],
            ],
          },
        ],
      },
    })
  })

  it.each([
    ['> . 1:1(0)', 0x10, undefined],
    ['> - 1:1(0)', 0, undefined],
    ['> SEWA. 1:1(0)', 0x1d2, undefined],
    ['> S.5 1:1(0)', 0x12, 5],
    ['> .7 1:1(0)', 0x10, 7],
    ['> R 1:1(0)', 0x04, undefined],
  ])('flags of %s', (text, flags, ace) => {
    expect(tcp(text)).toMatchObject({ flags, ace })
  })

  it('with ports, any options, fast open, MD5', () => {
    expect(tcp('> 8080 > 5000 S. 0:0(0) ack 1 <...>')).toMatchObject({
      ports: { src: 8080, dst: 5000 },
      options: undefined,
    })
    expect(tcp('> S 0:0(0) <mss 1460,FO,nop,nop,FOEXP abcd,md5 00ff>')).toMatchObject({
      options: [
        { kind: 'mss', value: 1460 },
        { kind: 'FO', hex: '' },
        { kind: 'nop' },
        { kind: 'nop' },
        { kind: 'FOEXP', hex: 'abcd' },
        { kind: 'md5', hex: '00ff' },
      ],
    })
    expect(tcp('> S 0:0(0) <FO 1234abcd5678dcba>')).toMatchObject({
      options: [{ kind: 'FO', hex: '1234abcd5678dcba' }],
    })
  })

  it('of UDP and ICMP', () => {
    expect(tcp('< udp (100)')).toEqual({ kind: 'udp', ports: undefined, length: 100 })
    expect(tcp('> udp 1 > 2 (7)')).toEqual({ kind: 'udp', ports: { src: 1, dst: 2 }, length: 7 })
    expect(tcp('< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]')).toEqual({
      kind: 'icmp',
      type: 'unreachable',
      code: 'frag_needed',
      mtu: 1200,
      id: undefined,
      echoed: { kind: 'tcp', seq: 1, length: 1460 },
    })
    expect(tcp('< [0:0(0)] icmp unreachable port_unreachable')).toMatchObject({ echoed: { kind: 'tcp', seq: 0 } })
    expect(tcp('< icmp echo_request id 9')).toMatchObject({ id: 9, echoed: undefined })
    expect(tcp('< icmp unreachable port_unreachable [udp (8)]')).toMatchObject({ echoed: { kind: 'udp', length: 8 } })
  })

  it('with what is said of the IP header', () => {
    expect(packet('> (tos 0x20) . 1:1(0)')).toMatchObject({ ip: { tos: 0x20 } })
    expect(packet('> [ce,flowlabel 0x5] . 1:1(0)')).toMatchObject({ ip: { ecn: 3, flowLabel: 5 } })
    expect(packet('> (ttl 64) . 1:1(0)')).toMatchObject({ ip: { ttl: 64 } })
    expect(packet('> [ect01] . 1:1(0)')).toMatchObject({ ip: { ecn: 'ect01' } })
    expect(packet('< ipv6 fd00::1 > fd00::2: . 1:1(0)')).toMatchObject({ around: ['ipv6'] })
  })

  it.each([
    '< . 1:2(0)',
    '< . 1:1(0) win 70000',
    '< . 1:1(0) <...>',
    '> X 1:1(0)',
    '> . 1:1(0) <mss>',
    '> . 1:1(0) <what 1>',
    '< [ect01] . 1:1(0)',
    '> . 1:1(0) <FO abc>',
    '> .9 1:1(0)',
    '> (what 1) . 1:1(0)',
  ])('not %s', (text) => {
    expect(() => parseScript(`0 ${text}`)).toThrow(ScriptError)
  })
})

describe('calls', () => {
  it('with arguments of every kind', () => {
    expect(call('f(3, ..., O_RDWR|O_NONBLOCK, [1], "a" "b\\n", 0xff, htons(80)) = -1 EAGAIN (Try again)')).toEqual({
      name: 'f',
      args: [
        { kind: 'integer', value: 3 },
        { kind: 'ellipsis' },
        { kind: 'or', left: { kind: 'word', name: 'O_RDWR' }, right: { kind: 'word', name: 'O_NONBLOCK' } },
        { kind: 'list', items: [{ kind: 'integer', value: 1 }] },
        { kind: 'string', value: 'ab\n' },
        { kind: 'integer', value: 255 },
        { kind: 'function', name: 'htons', args: [{ kind: 'integer', value: 80 }] },
      ],
      result: { kind: 'integer', value: -1 },
      errno: 'EAGAIN',
      end: undefined,
    })
  })

  it('with records', () => {
    expect(call('recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 8}], msg_flags=0}, 0) = 8')).toMatchObject({
      args: [
        {},
        {
          kind: 'record',
          fields: new Map<string, unknown>([
            ['msg_name', { kind: 'ellipsis' }],
            [
              'msg_iov',
              {
                kind: 'list',
                items: [
                  { kind: 'record', items: [{ kind: 'ellipsis' }, { kind: 'integer', value: 8 }], fields: new Map() },
                ],
              },
            ],
            ['msg_flags', { kind: 'integer', value: 0 }],
          ]),
        },
        {},
      ],
    })
  })

  it('that wait, and notes that say nothing', () => {
    expect(event('+.1...0.200 read(3, ..., 5) = 0x02 (flags O_RDWR)')).toMatchObject({
      time: { kind: 'relative', at: 100_000 },
      action: { call: { name: 'read', end: 200_000, result: { value: 2 } } },
    })
    expect(event('0...1 read(3, ..., 5) = 5')).toMatchObject({ action: { call: { end: 1_000_000 } } })
  })

  it.each(['f(', 'f() 1', 'f(1 2) = 0', 'f() =', 'f({a=1) = 0'])('not %s', (text) => {
    expect(() => parseScript(`0 ${text}`)).toThrow(ScriptError)
  })
})

describe('scripts', () => {
  it('hold options, commands, comments, code', () => {
    const script = parseScript(`// a comment
--ip_version=ipv4 --tolerance_usecs=5000
--define=CC="reno" --flag
\`first
  second\`
0 \`command\`  /* another
comment */
+0 %{ assert 1 == 1 }% // the end`)
    expect(script.options.map(({ name, value }) => [name, value])).toEqual([
      ['ip_version', 'ipv4'],
      ['tolerance_usecs', '5000'],
      ['define', 'CC=reno'],
      ['flag', undefined],
    ])
    expect(script.init).toEqual({ text: 'first\n  second', line: 4 })
    expect(script.events.map(({ line, action }) => [line, action])).toEqual([
      [6, { kind: 'command', text: 'command' }],
      [8, { kind: 'code', text: 'assert 1 == 1' }],
    ])
  })

  it('clean up with a last command', () => {
    expect(parseScript('0 f() = 0\n`cleanup`').events.at(-1)).toMatchObject({ line: 2, action: { kind: 'command' } })
  })

  it('say where they are wrong', () => {
    try {
      parseScript('0 f() = 0\n\n+0 > Q 1:1(0)')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ line: 3, message: expect.stringContaining("'Q' is no flag") })
    }
    expect(() => parseScript('0 `never ends')).toThrow('does not end')
  })
})
