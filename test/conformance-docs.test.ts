import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The tables of docs/conformance-*.md name the tests that show each requirement: `ipv4/core/igmp` is packages/ipv4/test/core/igmp.test.ts,
 * `test/tap` is test/tap.test.ts, and each title behind it stands in quotes in that file.
 */
const root = join(import.meta.dirname, '..')
const TABLE_HEAD = /^\| section \| level \| requirement \| test \|$/
const REASON = /^(not done|not applicable): \S/
const LEVELS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', '']

interface Row {
  readonly line: number
  readonly level: string
  readonly test: string
}

function rowsOf(markdown: string): Row[] {
  const rows: Row[] = []
  let inTable = false
  for (const [i, line] of markdown.split('\n').entries()) {
    const head = TABLE_HEAD.test(line.replace(/ +/g, ' '))
    inTable = head || (inTable && line.startsWith('|'))
    if (!inTable || head || /^\| *-/.test(line)) continue
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
    rows.push({ line: i + 1, level: cells[2] ?? '', test: cells[4] ?? '' })
  }
  return rows
}

function fileOf(name: string): string {
  const [first, ...rest] = name.split('/')
  return first === 'test' ? `test/${rest.join('/')}.test.ts` : `packages/${first}/test/${rest.join('/')}.test.ts`
}

/** What is wrong with a row's last cell: `` `udp/wire`: "title"; "title"; `arp/own`: "title" ``, or a reason. */
function faultOf(cell: string): string | undefined {
  if (REASON.test(cell)) return undefined
  let source: string | undefined
  let titles = 0
  const rest = cell.replaceAll(/`([\w/.-]+)`:|"((?:[^"\\]|\\.)+)"/g, (_, file?: string, title?: string) => {
    if (file !== undefined) {
      const path = join(root, fileOf(file))
      source = existsSync(path) ? readFileSync(path, 'utf8') : ''
      return source === '' ? `no file ${fileOf(file)} ` : ''
    }
    titles++
    const quoted = [`'${title}'`, `'${title!.replaceAll("'", "\\'")}'`, `\`${title}\``, `"${title}"`]
    return quoted.some((text) => source?.includes(text)) ? '' : `no test "${title}" `
  })
  const fault = rest.replaceAll(';', '').trim()
  if (fault !== '') return fault
  return titles > 0 ? undefined : 'names no test'
}

describe.each(readdirSync(join(root, 'docs')).filter((name) => /^conformance-.*\.md$/.test(name)))(
  'docs/%s',
  (name) => {
    const rows = rowsOf(readFileSync(join(root, 'docs', name), 'utf8'))

    it('has rows', () => expect(rows.length).toBeGreaterThan(0))

    it('names tests that exist, or a reason', () => {
      const faults = rows.flatMap(({ line, test }) => {
        const fault = faultOf(test)
        return fault === undefined ? [] : [`line ${line}: ${fault}`]
      })
      expect(faults).toEqual([])
    })

    it('uses the words of RFC 2119', () => {
      expect(rows.filter(({ level }) => !LEVELS.includes(level)).map(({ line }) => `line ${line}`)).toEqual([])
    })
  },
)

it('notices what does not exist', () => {
  expect(faultOf('`udp/wire`: "decodes the captured packet"')).toBeUndefined()
  expect(
    faultOf('`udp/wire`: "round trips, and a flipped bit shows"; `arp/own`: "is announced only when it is new"'),
  ).toBe(undefined)
  expect(faultOf('not done: routers alone need it')).toBeUndefined()
  expect(faultOf('`udp/wire`: "decodes the captured"')).toMatch(/no test/)
  expect(faultOf('`udp/nothing`: "decodes the captured packet"')).toMatch(/no file/)
  expect(faultOf('')).toBe('names no test')
  expect(faultOf('somewhere')).toBe('somewhere')
})
