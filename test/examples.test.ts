// Every example runs, and says what it is there to show.
import { afterEach, expect, it, vi } from 'vitest'

async function output(example: string): Promise<string> {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  const { main } = (await import(`../examples/${example}/main.ts`)) as { main(): Promise<void> }
  await main()
  return lines.join('\n')
}

afterEach(() => vi.restoreAllMocks())

it.each([
  ['two-stacks', /^100000 bytes came back in \d+ ms\nround trip [\d.]+ ms, \d+ segments sent again$/],
  ['custom-stack', /^21\.5 from \[fe80::/],
  ['hand-made-device', /^the time is \d{4}-\d\d-\d\dT[\d:.]+Z, told in \d+ packets$/],
  ['http', /^200 hello from 10\.0\.0\.80:80$/],
  ['capture', /^out \d+ bytes\n(.*\n)*in \d+ bytes/],
])('%s', async (example, shown) => {
  expect(await output(example)).toMatch(shown)
})
