import { sha1 } from '@fata/kv'
import fc from 'fast-check'
import { zlibSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { concat, encodeText, fromHex, toHex } from '../src/bytes.ts'
import { checkMessage, checkPerson, decodeCommit, encodeCommit } from '../src/commit.ts'
import { checkBranch, isDotGit } from '../src/names.ts'
import { decodeObject, encodeObject } from '../src/object.ts'
import { decodeTree, EMPTY_TREE_ID, type Entry, encodeTree, type Mode, type Tree } from '../src/tree.ts'

const ID = 'ce013625030ba8dba906f756967f9e9ca394464a'
const file = (id = ID): Entry => ({ mode: '100644', id })
const dir = (id = ID): Entry => ({ mode: '40000', id })
const raw = (...entries: Array<[string, string]>) =>
  concat(...entries.flatMap(([mode, name]) => [encodeText(`${mode} ${name}\0`), fromHex(ID)]))

describe('a tree', () => {
  // git cat-file tree $(git mktree --missing) | xxd -p
  const CAPTURED = fromHex(`${'313030363434206100'}${ID}${'31303037353520612e6200'}${ID}${'343030303020613000'}${ID}`)

  it('decodes and encodes what git wrote', () => {
    const tree = decodeTree(CAPTURED) as Tree
    expect([...tree]).toEqual([
      ['a', file()],
      ['a.b', { mode: '100755', id: ID }],
      ['a0', dir()],
    ])
    expect(encodeTree(tree)).toEqual(CAPTURED)
  })

  it('is in git’s order: directories as if their names ended with a slash', () => {
    const tree = new Map([
      ['foo', dir()],
      ['foo0', file()],
      ['foo-bar', file()],
      ['foo.c', file()],
      ['fo', dir()],
    ])
    expect([...(decodeTree(encodeTree(tree)) as Tree).keys()]).toEqual(['fo', 'foo-bar', 'foo.c', 'foo', 'foo0'])
  })

  it('refuses every truncated prefix', () => {
    for (let end = 1; end < CAPTURED.length; end++) {
      const tree = decodeTree(CAPTURED.subarray(0, end))
      if (typeof tree === 'string') expect(tree).toBe('truncated')
      else expect(encodeTree(tree)).toEqual(CAPTURED.subarray(0, end))
    }
  })

  it.each([
    ['bad mode', raw(['100', 'a'])],
    ['bad mode', raw(['', 'a'])],
    ['bad name', raw(['100644', ''])],
    ['bad name', raw(['40000', '.'])],
    ['bad name', raw(['40000', '..'])],
    ['bad name', raw(['40000', '.git'])],
    ['bad name', raw(['40000', '.GiT'])],
    ['bad name', raw(['40000', 'GIT~1'])],
    ['bad name', raw(['40000', '.g\u200cit'])],
    ['bad name', raw(['100644', 'a/b'])],
    ['duplicate name', raw(['100644', 'a'], ['100644', 'a'])],
    ['bad order', raw(['100644', 'b'], ['100644', 'a'])],
    ['bad order', raw(['40000', 'a'], ['100644', 'a.c'])],
  ])('is refused: %s', (reason, bytes) => {
    expect(decodeTree(bytes)).toBe(reason)
  })

  it('keeps modes, and names that are no UTF-8', () => {
    const modes: Mode[] = ['100644', '100755', '120000', '160000', '40000']
    const name = fc.stringMatching(/^[ -.0-\xff]{1,8}$/).filter((text) => !/^\.{1,2}$/.test(text) && !isDotGit(text))
    const id = fc.stringMatching(/^[0-9a-f]{40}$/)
    fc.assert(
      fc.property(fc.dictionary(name, fc.record({ mode: fc.constantFrom(...modes), id })), (entries) => {
        const tree = new Map(Object.entries(entries))
        const again = decodeTree(encodeTree(tree)) as Tree
        expect(again.size).toBe(tree.size)
        for (const [name, entry] of tree) expect(again.get(name)).toEqual({ ...entry })
      }),
    )
  })

  it('never throws on anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeTree(bytes)),
      { numRuns: 2000 },
    )
  })
})

describe('an object', () => {
  it('has git’s id', () => {
    expect(encodeObject({ type: 'blob', content: encodeText('hello\n') }).id).toBe(ID)
    expect(encodeObject({ type: 'tree', content: new Uint8Array(0) }).id).toBe(EMPTY_TREE_ID)
  })

  it('comes back, or is refused, whatever happens to its file', () => {
    const content = encodeText('some content '.repeat(20))
    const { id, file } = encodeObject({ type: 'blob', content })
    expect(decodeObject(id, file)).toEqual({ type: 'blob', content })
    for (let end = 0; end < file.length; end++) {
      const cut = decodeObject(id, file.subarray(0, end))
      if (typeof cut !== 'string') expect(cut.content).toEqual(content)
    }
    for (let at = 0; at < file.length; at++) {
      const flipped = file.slice()
      flipped[at]! ^= 1 << (at % 8)
      const object = decodeObject(id, flipped)
      if (typeof object !== 'string') expect(object.content).toEqual(content)
    }
  })

  it('is refused when it is another, or has no good header', () => {
    const named = (text: string) => {
      const bytes = encodeText(text)
      return decodeObject(toHex(sha1(bytes)), zlibSync(bytes))
    }
    expect(named('blob 5\0hello')).toMatchObject({ type: 'blob' })
    expect(decodeObject(ID, zlibSync(encodeText('blob 5\0hello')))).toBe('another object')
    expect(named('blob 6\0hello')).toBe('bad length')
    for (const header of ['blob 05\0hello', 'blub 5\0hello', 'blob5\0hello', 'hello', '']) {
      expect(named(header)).toBe('bad header')
    }
  })
})

describe('a commit', () => {
  const CAPTURED = `tree ${EMPTY_TREE_ID}
parent ${ID}
author Ada Lovelace <ada@example.org> 1700000000 +0130
committer B <> 1700000001 -0800
gpgsig -----BEGIN PGP SIGNATURE-----
 
 abc

Subject

Body
`
  const decoded = {
    id: ID,
    tree: EMPTY_TREE_ID,
    parents: [ID],
    author: { name: 'Ada Lovelace', email: 'ada@example.org', timeMs: 1_700_000_000_000, offsetMinutes: 90 },
    committer: { name: 'B', email: '', timeMs: 1_700_000_001_000, offsetMinutes: -480 },
    message: 'Subject\n\nBody\n',
  }

  it('decodes what git wrote, and passes over what it does not know', () => {
    expect(decodeCommit(ID, encodeText(CAPTURED))).toEqual(decoded)
  })

  it('encodes so that it decodes', () => {
    expect(decodeCommit(ID, encodeCommit(decoded))).toEqual(decoded)
  })

  it('is none without what every commit has', () => {
    for (const line of ['tree', 'author', 'committer']) {
      expect(decodeCommit(ID, encodeText(CAPTURED.replace(new RegExp(`^${line} .*\n`, 'm'), '')))).toBeUndefined()
    }
    for (let end = 0; end < CAPTURED.indexOf('-0800') + 5; end++) {
      expect(decodeCommit(ID, encodeText(CAPTURED.slice(0, end)))).toBeUndefined()
    }
  })

  it('takes no author or message that would break it', () => {
    for (const name of ['a\nb', 'a<b', ' ', 'a\0']) expect(() => checkPerson({ name, email: 'e' })).toThrow(RangeError)
    expect(() => checkMessage('a\0b')).toThrow(RangeError)
    expect(checkMessage('text\n\n')).toBe('text\n')
  })
})

describe('names', () => {
  it.each([
    '.git',
    '.GIT',
    '.Git ',
    '.git.',
    '.git. .',
    'git~1',
    'GIT~1',
    '.git:x',
    'a\\.git',
    '.git\\b',
    '.gi\u200ct',
    '\ufeff.git',
  ])('that stand for .git: %j', (name) => expect(isDotGit(name)).toBe(true))

  it.each(['git', '.gitignore', '.gitx', 'git~2', 'a.git', '.git x', 'x:.git'])('that do not: %j', (name) => {
    expect(isDotGit(name)).toBe(false)
  })

  it('of branches are git’s', () => {
    for (const name of ['main', 'feature/a', 'ümlaut', 'a.b', '1']) expect(checkBranch(name)).toBe(name)
    const bad = ['', '@', 'HEAD', '-x', 'a..b', 'a b', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[', 'a\\b', '/a', 'a/', 'a//b']
    for (const name of [...bad, 'a.', '.a', 'a/.b', 'a.lock', 'a.lock/b', 'a@{1}', 'a\x7f']) {
      expect(() => checkBranch(name), name).toThrow(RangeError)
    }
  })
})
