import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { addNetns, inside, removeNetns, startInside, stop } from './netns.ts'

const here = new URL('.', import.meta.url).pathname

/** Goodput of the kernel's cubic over the pipe of `wan.ts`, bit/s, in real time: the mean of `flows` pipes side by side. */
export async function measureWanKernel(ktcp: string, loss: number, seconds: number, flows: number): Promise<number> {
  const each = await Promise.all(Array.from({ length: flows }, (_, i) => measureOne(ktcp, loss, seconds, i)))
  return each.reduce((sum, bits) => sum + bits, 0) / flows
}

async function measureOne(ktcp: string, loss: number, seconds: number, i: number): Promise<number> {
  const [a, b] = [`fata-wan-a${process.pid}-${i}`, `fata-wan-b${process.pid}-${i}`]
  addNetns(a)
  addNetns(b)
  const cable = await startInside(a, false, 'ready', 'node', `${here}build/cable.js`, String(loss), a, b)
  const server = await startInside(b, false, undefined, ktcp, 'serve')
  try {
    const { stdout } = await promisify(execFile)('ip', inside(a, false, ktcp, 'send', '10.9.2.2', String(seconds)))
    return Number(stdout)
  } finally {
    await stop(cable)
    await stop(server)
    removeNetns(a)
    removeNetns(b)
  }
}
