import { execFileSync } from 'node:child_process'
import { type Finished, type Running, run, start } from './process.ts'

let count = 0

/** A network namespace of the test's own: the kernel's side of a TAP, alone in the world. */
export interface Netns {
  readonly name: string
  /** Starts a program inside. */
  start(command: string, args: readonly string[]): Running
  /** Runs a program inside to its end. */
  run(command: string, args: readonly string[]): Promise<Finished>
  /** Runs a program inside to its end; rejects with what it printed unless it exits with 0. Resolves with standard output. */
  check(command: string, args: readonly string[]): Promise<string>
  /** Stops every program started here and removes the namespace. */
  close(): Promise<void>
}

/** Makes a namespace with its loopback up, and without the kernel's own wait for duplicate addresses. */
export function createNetns(): Netns {
  const name = `fata-${process.pid}-${count++}`
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' })
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  const inside = (command: string, args: readonly string[]): string[] => ['netns', 'exec', name, command, ...args]
  for (const key of ['all', 'default']) {
    execFileSync('ip', inside('sh', ['-c', `echo 0 > /proc/sys/net/ipv6/conf/${key}/accept_dad`]), { stdio: 'pipe' })
  }
  const running = new Set<Running>()
  return {
    name,
    start(command, args) {
      const program = start('ip', inside(command, args))
      running.add(program)
      void program.finished.then(() => running.delete(program))
      return program
    },
    run: (command, args) => run('ip', inside(command, args)),
    async check(command, args) {
      const result = await run('ip', inside(command, args))
      if (result.code !== 0) {
        throw new Error(`${command} ${args.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`)
      }
      return result.stdout
    },
    async close() {
      await Promise.all([...running].map((program) => program.stop()))
      ip('netns', 'del', name)
    },
  }
}
