import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { binaryPaths } from '../src/load.ts'
import { cannotOpenDevices } from './real.ts'

// The addon alone, since a thread or a process of its own would need the sources compiled.

const addon = process.platform === 'linux' ? binaryPaths().find((path) => existsSync(path)) : undefined

/** Watches an rtnetlink socket and asks for a link, so that there is something to read at once. */
const WATCH = `
  const native = require(${JSON.stringify(addon)})
  const fd = native.netlink(0)
  const slab = new Uint8Array(65536)
  const descriptors = new Int32Array(2)
  const request = new Uint8Array(32)
  request.set([32, 0, 0, 0, 18, 0, 1, 0])
  request[20] = 1
  const ask = () => native.write(fd, request, Int32Array.of(0, 0, 32, 0), 1, 1, [], 0)
  const watch = native.watch(fd, () => onReady(native.read(fd, slab, descriptors, 0, 32768)))
  native.watchEvents(watch, 1)
`

function inWorker(script: string): Worker {
  return new Worker(`${WATCH}\nconst { parentPort } = require('worker_threads')\n${script}`, { eval: true })
}

function message(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

function inProcess(script: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', `${WATCH}\n${script}`], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, output: stdout + stderr }
}

describe.skipIf(cannotOpenDevices('the addon in threads and processes'))('the addon', () => {
  it('works in several threads at once, and after they have ended', async () => {
    const echo = `
      let left = 100
      const onReady = (n) => (--left > 0 ? ask() : parentPort.postMessage(n))
      native.watchRef(watch, true)
      ask()`
    for (let round = 0; round < 2; round++) {
      const workers = [1, 2, 3].map(() => inWorker(echo))
      expect(await Promise.all(workers.map(message))).toEqual([1, 1, 1])
      await Promise.all(workers.map((worker) => worker.terminate()))
    }
  })

  it('closes what a thread leaves open, also in the middle of closing', async () => {
    for (const end of ['', 'native.watchClose(watch, () => { throw new Error() });']) {
      const worker = inWorker(`native.watchRef(watch, true); ask(); parentPort.postMessage(fd); ${end} process.exit()`)
      const fd = message(worker)
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      const path = `/proc/self/fd/${String(await fd)}`
      await exited
      expect(existsSync(path)).toBe(false)
    }
  })

  it('lets the process end while it is not referenced, and after it was closed', () => {
    expect(inProcess('const onReady = () => {}')).toEqual({ status: 0, output: '' })
    const close = `native.watchRef(watch, true)
      const onReady = (n) => native.watchClose(watch, () => console.log('closed', n))
      ask()`
    expect(inProcess(close)).toEqual({ status: 0, output: 'closed 1\n' })
  })

  it('keeps the process alive while it is referenced', () => {
    const wait = `native.watchRef(watch, true)
      const onReady = () => process.exit(7)
      setTimeout(ask, 50).unref()`
    expect(inProcess(wait).status).toBe(7)
  })

  it('runs promises and ticks behind a callback, and passes on what it throws', () => {
    const script = `native.watchRef(watch, true)
      process.on('uncaughtException', (error) => { console.log(error.message); native.watchClose(watch, () => {}) })
      const onReady = () => {
        Promise.resolve().then(() => console.log('promise'))
        process.nextTick(() => console.log('tick'))
        throw new Error('thrown')
      }
      ask()`
    expect(inProcess(script)).toEqual({ status: 0, output: 'thrown\ntick\npromise\n' })
  })

  it('refuses arguments that would lead it astray', () => {
    const script = `const onReady = () => {}
      const tell = (call) => { try { console.log(call()) } catch (error) { console.log(error.name) } }
      tell(() => native.read(fd, 'slab', descriptors, 0, 1))
      tell(() => native.read(fd, slab, slab, 0, 1))
      tell(() => native.read(fd))
      tell(() => native.write(fd, slab, Int32Array.of(0, 65536, 1, 0), 1, 1, [], 0))
      tell(() => native.write(fd, slab, Int32Array.of(0, -1, 1, 0), 1, 1, [], 0))
      tell(() => native.write(fd, slab, Int32Array.of(0, 0, 1, 16), 1, 1, [], 0))
      tell(() => native.write(fd, slab, Int32Array.of(0, 0, 1, 1, 1, 0, 1), 1, 1, [slab], 1))
      tell(() => native.write(fd, slab, Int32Array.of(0, 0, 1, 1, 0, 65530, 7), 1, 1, [slab], 1))
      tell(() => native.write(fd, slab, Int32Array.of(0, 0, 1), 1, 1, [], 0))
      tell(() => native.write(fd, slab, Int32Array.of(0), 2, 1, [], 0))
      tell(() => native.write(fd, slab, Int32Array.of(0), 1, 1, [], 65))
      tell(() => native.watchEvents({}, 1))
      tell(() => native.watch(-1, onReady) < 0)`
    const { status, output } = inProcess(script)
    expect(output.trim().split('\n')).toEqual([
      ...['TypeError', 'TypeError', 'TypeError'],
      ...['0', '0', '0', '0', '0', '0'],
      ...['RangeError', 'RangeError', 'TypeError', 'true'],
    ])
    expect(status).toBe(0)
  })
})
