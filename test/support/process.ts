import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'

/** How a program ended and what it printed. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program under way. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves with the first line of standard output that matches; rejects when the program ends before, with what it printed. */
  line(pattern: RegExp): Promise<RegExpMatchArray>
  /** Resolves when the program has ended. */
  readonly finished: Promise<Finished>
  /** Asks it to end, insists after 5 s, and resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<Finished>
}

/** Starts a program and collects what it prints. */
export function start(command: string, args: readonly string[], input?: Uint8Array): Running {
  const child = spawn(command, args)
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  const tell = (): void => {
    for (const check of waiting) check()
  }
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    stdout += text
    tell()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const finished = once(child, 'close').then(([code]) => {
    tell()
    return { code: code as number | null, stdout, stderr }
  })

  const line = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const match = stdout
          .split('\n')
          .map((text) => text.match(pattern))
          .find((found) => found !== null)
        if (match == null && child.exitCode === null && child.signalCode === null) return
        waiting.delete(check)
        if (match != null) resolve(match)
        else
          reject(new Error(`${command} ended (${child.exitCode}) without a line like ${pattern}:\n${stdout}${stderr}`))
      }
      waiting.add(check)
      check()
    })
  const stop = async (signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const insist = setTimeout(() => child.kill('SIGKILL'), 5000)
    const result = await finished
    clearTimeout(insist)
    return result
  }
  return { child, line, finished, stop }
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], input?: Uint8Array): Promise<Finished> {
  return start(command, args, input).finished
}
