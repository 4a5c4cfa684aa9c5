export { main } from './main.ts'
export { siteHandler } from './site/site.ts'
