#!/usr/bin/env node
import { main } from './node/cli.ts'

process.exitCode = await main(process.argv.slice(2), { out: console.log, error: console.error })
