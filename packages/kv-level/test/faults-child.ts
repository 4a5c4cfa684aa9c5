import { commitUnderFaults } from '@fata/kv/crash'
import { openClassicLevel } from '@fata/kv-level/classic'

const [path = ''] = process.argv.slice(2)
console.log(JSON.stringify(await commitUnderFaults(() => openClassicLevel(path))))
