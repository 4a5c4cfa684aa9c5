import { commitUntilKilled } from '@fata/kv/crash'
import { openClassicLevel } from '@fata/kv-level/classic'

const [path = '', from = '1'] = process.argv.slice(2)
await commitUntilKilled(await openClassicLevel(path), Number(from), (message) => process.send?.(message))
