// Frames per second through a TAP, in a network namespace of its own. Needs root, `ip`, python3 and built packages.
// Usage: npm run build && sudo node packages/tap/bench/rates.mjs
import { execFileSync, spawn } from 'node:child_process'
import { openTap } from '@fata/tap'

const QUEUE = 20_000
const ROUNDS = 15
const NAMESPACE = `fata-bench-${process.pid}`

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
const inside = (...args) => ip('netns', 'exec', NAMESPACE, ...args)
const turn = () => new Promise((resolve) => setImmediate(resolve))

function startClock() {
  const wall = process.hrtime.bigint()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: Number(process.hrtime.bigint() - wall) / 1e9, cpuMicros: user + system }
  }
}

function report(what, frames, { seconds, cpuMicros }, bytes) {
  const rate = Math.round(frames / seconds / 1000)
  const gbit = ((frames * bytes * 8) / seconds / 1e9).toFixed(1)
  const cpu = (cpuMicros / frames).toFixed(2)
  console.log(
    `${what.padEnd(38)} ${String(rate).padStart(5)} k/s  ${cpu.padStart(6)} us CPU  ${gbit.padStart(5)} Gbit/s`,
  )
}

const median = (runs) => runs.sort((a, b) => a.seconds - b.seconds)[runs.length >> 1]

/** The kernel fills the queue of the TAP while nobody reads; then the queue is read. */
async function readRate(what, size, options) {
  const tap = openTap({ name: 'tap0', netns: NAMESPACE, hostAddresses: ['10.0.0.1/24'], ...options })
  ip('-n', NAMESPACE, 'link', 'set', 'tap0', 'txqueuelen', String(QUEUE + 100))
  ip('-n', NAMESPACE, 'neighbour', 'add', '10.0.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'tap0')
  const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('10.0.0.2', 9))
for i in range(${QUEUE}): s.send(b'x' * ${size - 42})`
  let frames = 0
  tap.listen({ frame: () => void frames++ })
  const runs = []
  for (let round = 0; round < ROUNDS; round++) {
    await turn()
    inside('python3', '-c', script)
    frames = 0
    const stop = startClock()
    while (frames < QUEUE * 0.99) await turn()
    runs.push(stop())
  }
  report(what, QUEUE, median(runs), size)
  await tap.close()
}

/** UDP to a socket whose buffer is full: the kernel does all of its work but the last step. */
async function writeRate(what, size, options) {
  const tap = openTap({ name: 'tap0', netns: NAMESPACE, hostAddresses: ['10.0.0.1/24'], ...options })
  const sink = spawn('ip', ['netns', 'exec', NAMESPACE, 'python3', '-c', SINK], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => sink.stdout.once('data', resolve))
  const head = udpHeaders(tap, size)
  const fill = (buf, off) => {
    for (let i = 0; i < head.length; i++) buf[off + i] = head[i]
    return size
  }
  const runs = []
  for (let round = 0; round < ROUNDS; round++) {
    const stop = startClock()
    for (let burst = 0; burst < QUEUE / 50; burst++) {
      for (let i = 0; i < 50; i++) tap.write(size, fill)
      await Promise.resolve(undefined)
      if (burst % 10 === 0) await turn()
    }
    await turn()
    runs.push(stop())
  }
  report(what, QUEUE, median(runs), size)
  await tap.close()
  sink.kill()
}

const SINK = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.0.0.1', 9))
print('bound', flush=True)
time.sleep(3600)`

function udpHeaders(tap, size) {
  const mac = execFileSync('ip', ['-n', NAMESPACE, '-j', 'link', 'show', tap.name], { encoding: 'utf8' })
  const b = Buffer.alloc(42)
  b.write(JSON.parse(mac)[0].address.replaceAll(':', ''), 'hex')
  b.write('020000000002', 6, 'hex')
  b.write('080045000000000000004011', 12, 'hex')
  b.writeUInt16BE(size - 14, 16)
  b.write('0a0000020a000001', 26, 'hex')
  putIpChecksum(b)
  b.writeUInt16BE(9, 34)
  b.writeUInt16BE(9, 36)
  b.writeUInt16BE(size - 34, 38)
  return b
}

function putIpChecksum(b) {
  let sum = 0
  for (let i = 14; i < 34; i += 2) sum += b.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff)
  b.writeUInt16BE(~sum & 0xffff, 24)
}

/** Super-frames from one TAP to another, over a bridge: each is written once and read once. */
async function superFrames(what, size) {
  ip('-n', NAMESPACE, 'link', 'add', 'br0', 'type', 'bridge')
  ip('-n', NAMESPACE, 'link', 'set', 'br0', 'up')
  const [a, b] = ['tapa', 'tapb'].map((name) => openTap({ name, netns: NAMESPACE }))
  for (const { name } of [a, b]) ip('-n', NAMESPACE, 'link', 'set', name, 'master', 'br0')
  let received = 0
  b.listen({
    frame: (_, off, end) => {
      if (end - off > 1514) received++
    },
  })
  const payload = new Uint8Array(size - 66)
  const gather = { count: 1, length: payload.length, bufs: [payload], offs: [0], ends: [payload.length] }
  const meta = { checksum: 'partial', checksumStart: 0, checksumOffset: 16, gso: 'tcp4', gsoSize: 1448 }
  const head = tcpHeaders(a, b, size)
  const fill = (buf, off) => {
    buf.set(head, off)
    meta.checksumStart = off + 34
    return head.length
  }
  const count = 4000
  const runs = []
  for (let round = 0; round < ROUNDS; round++) {
    received = 0
    const stop = startClock()
    for (let sent = 0; sent < count; sent += 4) {
      for (let i = 0; i < 4; i++) a.write(head.length, fill, meta, gather)
      await turn()
    }
    for (let idle = 0; received < count && idle < 10_000; idle++) await turn()
    if (received < count) throw new Error(`${count - received} of ${count} super-frames are lost`)
    runs.push(stop())
  }
  report(what, count, median(runs), size)
  await Promise.all([a.close(), b.close()])
}

function tcpHeaders(a, b, size) {
  const head = Buffer.alloc(66)
  head.writeUIntBE(b.mac, 0, 6)
  head.writeUIntBE(a.mac, 6, 6)
  head.write('080045000000000000004006', 12, 'hex')
  head.writeUInt16BE(size - 14, 16)
  head.write('0a0000020a000001', 26, 'hex')
  head.write('0009000900000001000000018010ffff', 34, 'hex')
  putIpChecksum(head)
  return head
}

ip('netns', 'add', NAMESPACE)
try {
  for (const [offload, options] of [
    ['offload', {}],
    ['no offload', { offload: false }],
  ]) {
    for (const size of [64, 1514]) {
      await readRate(`read ${size} B, ${offload}`, size, options)
      await writeRate(`write ${size} B, ${offload}`, size, options)
    }
  }
  await superFrames('write and read 64 KiB super-frames', 65226)
} finally {
  ip('netns', 'delete', NAMESPACE)
}
