// A loop that awaits CPU work, in TypeScript whose types Node.js strips.

import { createServer } from 'node:http'

interface Point {
  x: number
  y: number
}

const points: Point[] = Array.from({ length: 1200 }, (_, index) => ({ x: (index * 7919) % 1000, y: (index * 104729) % 1000 }))

async function nearest(from: Point, all: readonly Point[]): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (const to of all) if (to !== from) best = Math.min(best, Math.hypot(to.x - from.x, to.y - from.y))
  return best
}

async function spread(all: readonly Point[]): Promise<number> {
  let sum: number = 0
  for (const point of all) {
    sum += await nearest(point, all) // guilty
  }
  return sum / all.length
}

const server = createServer(async (_request, response) => {
  response.end(String(await spread(points)))
})
server.listen(Number(process.env.PORT ?? 0))
