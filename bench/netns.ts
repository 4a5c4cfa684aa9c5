import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a command to its end and returns what it printed. */
export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs a command inside a network namespace, on one processor where `pin` says so. */
export function inside(netns: string, pin: boolean, ...command: string[]): string[] {
  return ['netns', 'exec', netns, ...(pin ? ['taskset', '-c', '1'] : []), ...command]
}

/** Starts a command in a namespace and waits for `line`, or for its start where there is none to wait for. */
export async function startInside(
  netns: string,
  pin: boolean,
  line: string | undefined,
  ...command: string[]
): Promise<ChildProcess> {
  const child = spawn('ip', inside(netns, pin, ...command), { stdio: ['ignore', 'pipe', 'inherit'] })
  if (line === undefined) await once(child, 'spawn')
  else
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (data: Buffer) => {
        if (data.toString().includes(line)) resolve()
      })
      child.once('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}`)))
    })
  return child
}

/** Ends a child and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** Makes a namespace. */
export function addNetns(name: string): void {
  run('ip', 'netns', 'add', name)
  run('ip', '-n', name, 'link', 'set', 'lo', 'up')
}

/** Ends what still runs in a namespace, and removes it. */
export function removeNetns(name: string): void {
  for (const pid of run('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) process.kill(Number(pid))
  run('ip', 'netns', 'del', name)
}
