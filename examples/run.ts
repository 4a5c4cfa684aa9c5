// Runs one example from source. Usage: npm start -w @fata-examples/NAME
const [name = ''] = process.argv.slice(2)
const { main } = (await import(`./${name}/main.ts`)) as { main(): Promise<void> }
await main()

export {}
