import { expect, it } from 'vitest'
import { documentWithTable } from '../scripts/kv-table.ts'

it('docs/kv.md says of the stores what they say of themselves; npm run kv-table writes it', async () => {
  const { before, after } = await documentWithTable()
  expect(before).toBe(after)
})
