import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Says why the tests of `what` are skipped; with FATA_REQUIRE_ALL=1, as in CI, that is a failure. */
export function cannotRun(what: string): boolean {
  try {
    execFileSync('git', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    if (process.env['FATA_REQUIRE_ALL'] === '1') throw new Error(`${what} must not be skipped: git is not installed`)
    console.warn(`skipped: ${what}: git is not installed`)
    return true
  }
}

/** In memory where that can be: the tests sync a lot. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kv-git-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
}

/** Runs git in a directory, against no server of this process, and returns what it printed, without the last line feed. Throws where it fails. */
export function git(cwd: string, ...args: string[]): string {
  const all = ['-c', 'safe.directory=*', '-c', 'init.defaultBranch=main', ...args]
  return execFileSync('git', all, { cwd, env: ENVIRONMENT, encoding: 'utf8', stdio: 'pipe', timeout: 20_000 }).trimEnd()
}

export interface GitServer {
  readonly url: string
  /** Of the answers that it gave. */
  readonly statuses: number[]
  stop(): Promise<void>
}

/** Serves the bare repositories in the directory by `git http-backend` on loopback; with a password where one is given. */
export async function serveGit(root: string, password?: string): Promise<GitServer> {
  const statuses: number[] = []
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://host')
    const wanted = password && `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
    if (wanted && request.headers.authorization !== wanted) {
      statuses.push(401)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    const env = {
      ...ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      REMOTE_USER: 'ada',
      REMOTE_ADDR: '127.0.0.1',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_CONFIG_KEY_1: 'receive.fsckObjects',
      GIT_CONFIG_VALUE_1: 'true',
    }
    const child = spawn('git', ['http-backend'], { env })
    request.pipe(child.stdin)
    const parts: Buffer[] = []
    child.stdout.on('data', (part: Buffer) => parts.push(part))
    child.stdout.on('end', () => {
      const answer = Buffer.concat(parts)
      const end = answer.indexOf('\r\n\r\n')
      const headers = answer.subarray(0, end).toString().split('\r\n')
      const fields = Object.fromEntries(headers.map((line) => line.split(': ') as [string, string]))
      const status = Number.parseInt(fields['Status'] ?? '200', 10)
      delete fields['Status']
      statuses.push(status)
      response.writeHead(status, fields).end(answer.subarray(end + 4))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    statuses,
    async stop() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}
