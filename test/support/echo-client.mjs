// Sends pseudo-random bytes to an echo service through the kernel's TCP and compares what comes back.
// Usage: echo-client.mjs HOST PORT BYTES   (prints the SHA-256 of what was sent, exits with 1 when they differ)
import { createHash } from 'node:crypto'
import { connect } from 'node:net'

const [host, port, bytes] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const CHUNK = 64 * 1024

function* chunks() {
  let state = 1
  for (let left = bytes; left > 0; left -= CHUNK) {
    const chunk = Buffer.alloc(Math.min(CHUNK, left))
    for (let i = 0; i < chunk.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      chunk[i] = state >>> 24
    }
    yield chunk
  }
}

const sent = createHash('sha256')
const received = createHash('sha256')
let count = 0
const socket = connect({ host, port, allowHalfOpen: true })
socket.on('data', (data) => {
  received.update(data)
  count += data.length
})
const ended = new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject))
for (const chunk of chunks()) {
  sent.update(chunk)
  if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve))
}
socket.end()
await ended
const [a, b] = [sent.digest('hex'), received.digest('hex')]
console.log(`${a} ${count}`)
if (a !== b || count !== bytes) {
  console.error(`sent ${bytes} bytes ${a}, received ${count} bytes ${b}`)
  process.exitCode = 1
}
