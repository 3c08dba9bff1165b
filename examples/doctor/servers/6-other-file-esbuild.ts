// Work in a function of another file, in TypeScript that esbuild bundles: the guilty line is that of the other source.

import { createServer } from 'node:http'
import { summarize } from '../support/summary.js'

const sales: number[] = Array.from({ length: 5000 }, (_, day) => (day * 7919) % 10_007)

const server = createServer((request, response) => {
  if (request.url === '/ping') response.end('pong')
  else response.end(JSON.stringify(summarize(sales)))
})
server.listen(Number(process.env.PORT ?? 0))
