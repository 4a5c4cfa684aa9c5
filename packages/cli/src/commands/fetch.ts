import { createWriteStream } from 'node:fs'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect as connectTls } from 'node:tls'
import { toDuplex } from '@fata/node'
import type { Stack } from '@fata/stack'
import type { Command } from '../command.ts'
import { CommandError, UsageError } from '../errors.ts'
import { openNetwork } from '../open-network.ts'
import { integer, seconds } from '../values.ts'

/** `fata fetch URL`: an HTTP GET through the stack, by Node's own client. */
export const fetch: Command = {
  operands: 'URL',
  summary: 'an HTTP GET through the stack, the body to standard output',
  options: {
    output: { type: 'string', short: 'o' },
    'max-redirects': { type: 'string' },
    timeout: { type: 'string' },
    insecure: { type: 'boolean', short: 'k' },
  },
  help: [
    '--output=FILE    write the body there',
    '--max-redirects=N  redirects to follow (default 5)',
    '--timeout=S      seconds without progress to give up after (default 30)',
    '--insecure       take any certificate',
  ],
  async run(context) {
    const url = urlOperand(context.positionals)
    const options: FetchOptions = {
      timeoutMs: seconds(context.values, 'timeout', 30, 0.001, 3600),
      insecure: context.values['insecure'] === true,
      signal: context.signal,
    }
    const redirects = integer(context.values, 'max-redirects', 5, 0, 50)
    const { output } = context.values
    const network = await openNetwork(context)
    try {
      const response = await follow(network.stack, url, redirects, options)
      const to = typeof output === 'string' ? createWriteStream(output) : process.stdout
      await pipeline(response, to, { end: to !== process.stdout, signal: context.signal })
      const { statusCode = 0, statusMessage = '' } = response
      if (statusCode >= 400) throw new CommandError(`${url}: ${statusCode} ${statusMessage}`)
    } catch (error) {
      throw (error as { name?: string }).name === 'AbortError' && context.signal.aborted
        ? context.signal.reason
        : asCommandError(error)
    } finally {
      await network.close()
    }
  },
}

interface FetchOptions {
  readonly timeoutMs: number
  readonly insecure: boolean
  readonly signal: AbortSignal
}

function urlOperand(positionals: readonly string[]): URL {
  const [text, ...more] = positionals
  if (text === undefined) throw new UsageError('fetch needs a URL: fata fetch http://10.0.0.1/')
  if (more.length > 0) throw new UsageError(`fetch takes one URL, got '${more[0]}' as well`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`not an HTTP URL: '${text}'`)
  return url
}

async function follow(stack: Stack, url: URL, redirects: number, options: FetchOptions): Promise<IncomingMessage> {
  const response = await get(stack, url, options)
  const { statusCode = 0, headers } = response
  if (statusCode < 300 || statusCode > 399 || headers.location === undefined) return response
  response.resume()
  if (redirects === 0) throw new CommandError(`${url}: too many redirects`)
  return follow(stack, urlOperand([new URL(headers.location, url).href]), redirects - 1, options)
}

async function get(stack: Stack, url: URL, { timeoutMs, insecure, signal }: FetchOptions): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  // The brackets of an address of IPv6 are the URL's.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const flow = await stack.connect(host, port, { signal, timeoutMs, noDelay: true })
  const plain = toDuplex(flow)
  const socket: Duplex = secure
    ? connectTls({ socket: plain, servername: /^[\d.]+$|:/.test(host) ? '' : host, rejectUnauthorized: !insecure })
    : plain
  return new Promise((resolve, reject) => {
    const request: ClientRequest = httpRequest({
      createConnection: () => socket,
      host: url.hostname,
      port,
      path: `${url.pathname}${url.search}`,
      defaultPort: secure ? 443 : 80,
      headers: { 'User-Agent': 'fata', Accept: '*/*', Connection: 'close' },
      signal,
      timeout: timeoutMs,
    })
    request.once('response', resolve).once('error', reject)
    request.once('timeout', () => request.destroy(new CommandError(`${url}: no answer in time`)))
    request.end()
  })
}

/** Whatever went wrong is one line to who typed the URL. */
function asCommandError(error: unknown): unknown {
  if (error instanceof UsageError || error instanceof CommandError || !(error instanceof Error)) return error
  const because = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return 'code' in error ? new CommandError(`${error.message}${because}`, { cause: error }) : error
}
