import { describe, expect, it } from 'vitest'
import { Key, KeyTree } from '../src/index.ts'

const at = (path: string) => Key.parse(path)

function treeOf(...paths: string[]): KeyTree<string> {
  const tree = new KeyTree<string>()
  for (const path of paths) tree.set(at(path), `value of ${path}`)
  return tree
}

describe('a tree of keys', () => {
  it('has a dictionary wherever a value lies below', () => {
    const tree = treeOf('/a/b/c', '/v')
    expect(['/', '/a', '/a/b', '/a/b/c', '/v', '/w', '/v/x', '/a/c'].map((path) => tree.kind(at(path)))).toEqual([
      'dictionary',
      'dictionary',
      'dictionary',
      'value',
      'value',
      undefined,
      undefined,
      undefined,
    ])
    expect(tree.value(at('/v'))).toBe('value of /v')
    expect(tree.value(at('/a'))).toBeUndefined()
  })

  it('takes no value over a dictionary, at the root or below a value', () => {
    const tree = treeOf('/a/b')
    expect([tree.set(at('/a'), 'x'), tree.set(at('/'), 'x'), tree.set(at('/a/b/c'), 'x')]).toEqual([
      false,
      false,
      false,
    ])
    expect([tree.size, tree.value(at('/a/b'))]).toEqual([1, 'value of /a/b'])
    expect(tree.set(at('/a/b'), 'changed')).toBe(true)
    expect([tree.size, tree.value(at('/a/b'))]).toEqual([1, 'changed'])
  })

  it('lists in the order of UTF-8, by pages, also after a name came', () => {
    const tree = treeOf('/b', '/\u{1f600}', '/\uffee', '/a/x', '/B')
    const names = (options?: { after?: string; limit?: number }) =>
      tree.list(Key.root, options).map(([key]) => key.basename)
    expect(names()).toEqual(['B', 'a', 'b', '\uffee', '\u{1f600}'])
    expect(names({ after: 'a', limit: 2 })).toEqual(['b', '\uffee'])
    tree.set(at('/aa'), '')
    expect(names({ after: 'a', limit: 2 })).toEqual(['aa', 'b'])
    expect(() => tree.list(at('/b'))).toThrow(expect.objectContaining({ code: 'KV_DICTIONARY_EXPECTED' }))
    expect(() => tree.list(at('/none'))).toThrow(expect.objectContaining({ code: 'KV_NOT_FOUND' }))
  })

  it('knows the values at and below a key', () => {
    const tree = treeOf('/a/b', '/a/c/d', '/e')
    expect(tree.values(at('/a')).map(String)).toEqual(['/a/b', '/a/c/d'])
    expect(tree.values(at('/e')).map(String)).toEqual(['/e'])
    expect(tree.values(at('/none'))).toEqual([])
  })
})
