import { commitUntilKilled } from '@fata/kv/crash'
import { openDir } from '@fata/kv-dir'
import { openGit } from '@fata/kv-git'

const [path = '', from = '1'] = process.argv.slice(2)
const kv = await openGit(await openDir(path, { create: true }))
await commitUntilKilled(kv, Number(from), (message) => process.send?.(message))
