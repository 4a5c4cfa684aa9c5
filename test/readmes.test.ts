import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { type Fence, fencesOf, withClaims } from './support/readme.ts'
import { typeErrorsOf } from './support/type-errors.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
// Below node_modules, where packages are found by name and git does not look.
const folder = join(root, `node_modules/.cache/readmes-${process.pid}`)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const packages = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
)
const readmes = ['README.md', ...packages.map((name) => `packages/${name}/README.md`)]

/** What claims call: makes sure that a claim is reached, and says where one fails. */
const claims = globalThis as unknown as { claimOfReadme: (actual: unknown, expected: unknown, line: number) => void }

/** Writes code as a module, with `await` at its top, and gives its path. */
function moduleOf(code: string, name: string): string {
  const path = join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `${code}\nexport {}\n`)
  return path
}

async function run(code: string, name: string, firstLine: number): Promise<void> {
  let reached = 0
  claims.claimOfReadme = (actual, expected, line) => {
    reached++
    expect(actual, `line ${line + firstLine - 1} of ${name}`).toEqual(expected)
  }
  const made = withClaims(code, 'claimOfReadme')
  await import(/* @vite-ignore */ moduleOf(made, `${name} ${firstLine}`))
  expect(reached, 'claims that were reached').toBeGreaterThanOrEqual(made.split('claimOfReadme(').length - 1)
}

const snippets: (Fence & { readonly name: string })[] = []

for (const name of readmes) {
  describe(name, () => {
    const text = existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : ''
    const fences = fencesOf(text)
    snippets.push(...fences.map((fence) => ({ ...fence, name })))
    it('has a snippet that runs', () => expect(fences.length).toBeGreaterThan(0))
    for (const { title, line, code } of fences) it(`line ${line} ${title}`.trim(), () => run(code, name, line))
  })
}

describe('snippets', () => {
  it('have no type errors', { timeout: 300_000 }, () => {
    const files = snippets.map(({ code, name, line }) => moduleOf(code, `types of ${name} ${line}`))
    expect(typeErrorsOf(files)).toEqual([])
    const wrong = moduleOf("import { ip } from '@fata/addr'\nip(1)", 'types of self-test')
    expect(typeErrorsOf([wrong])).toEqual([expect.stringContaining('types-of-self-test.ts(2,4): error TS2345')])
  })

  it('are the ts fences of a text, with their titles and lines', () => {
    const text = [
      '# x',
      '```sh',
      '```ts',
      'no',
      '```',
      '  ```ts a title',
      '  let a',
      '    a = 1',
      '  ```',
      '````ts',
      '```',
      '````',
      '~~~js',
      '~~~',
    ].join('\n')
    expect(fencesOf(text)).toEqual([
      { title: 'a title', line: 7, code: 'let a\n  a = 1' },
      { title: '', line: 11, code: '```' },
    ])
  })

  it.each(['```ts no-run\n```', '```ts norun\n```', '```typescript\n```', '```tsx\n```'])(
    'cannot be excused: %j',
    (text) => {
      expect(() => fencesOf(text)).toThrow('line 1')
    },
  )

  it('claim what follows the arrow', () => {
    expect(withClaims('f(1) // => 2\n// just text', 'claim')).toBe(';claim((f(1)), (2), 1); // => 2\n// just text')
    expect(withClaims('const a = [\n  1,\n] // => [1]', 'claim')).toBe(
      'const a = [\n  1,\n];claim((a), ([1]), 3); // => [1]',
    )
    expect(withClaims('for (const x of y) {\n  x // => -1\n}', 'claim')).toContain(';claim((x), (-1), 2);')
    expect(withClaims('await a()\n  .b() // => { a: [null], "b-c": undefined }', 'claim')).toContain(
      'claim((await a()\n  .b()), ({ a',
    )
  })

  it.each(['f( // => 1\n)', 'if (a) { // => 1\n}', 'const a = 1, b = 2 // => 1', '// => 1', 'class A {} // => 1'])(
    'cannot claim nothing: %j',
    (code) => {
      expect(() => withClaims(code, 'claim')).toThrow('a claim must follow an expression')
    },
  )

  it.each(['x', 'f()', '1 ms', '{ a }', '[...a]', 'a = 1', '1, 2', "'"])('claim literals only: %s', (literal) => {
    expect(() => withClaims(`x // => ${literal}`, 'claim')).toThrow('not a literal')
  })

  it('fail where a claim does not hold or is not reached', async () => {
    await run('const a: number = await Promise.resolve(1)\na // => 1', 'self-test', 1)
    await expect(run('1 + 1 // => 3', 'self-test', 10)).rejects.toThrow('line 10 of self-test')
    await expect(run('if (Date.now() < 0) {\n  1 // => 1\n}', 'self-test', 20)).rejects.toThrow(
      'claims that were reached',
    )
    await expect(run("throw new Error('thrown')", 'self-test', 30)).rejects.toThrow('thrown')
  })
})
