// Work in a handler, in TypeScript that tsx compiles while it loads.

import { createServer } from 'node:http'

type Row = readonly number[]

const rows: readonly Row[] = Array.from({ length: 1200 }, (_, row) => [row % 17, (row * 7919) % 1009])

function collisions(all: readonly Row[]): number {
  let count: number = 0
  for (const [a, b] of all) for (const row of all) if (Math.hypot(row[0] - a, row[1] - b) < 2) count++ // guilty
  return count
}

const server = createServer((_request, response) => {
  response.end(String(collisions(rows)))
})
server.listen(Number(process.env.PORT ?? 0))
