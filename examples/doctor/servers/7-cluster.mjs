// t7: four processes for each core, which take the cores from one another.

import cluster from 'node:cluster'
import http from 'node:http'
import { availableParallelism } from 'node:os'

function startWorkers() {
  for (let worker = 0; worker < 4 * availableParallelism(); worker++) cluster.fork() // guilty
}

function respond() {
  let sum = 0
  for (let step = 0; step < 2_000_000; step++) sum += step
  return `ok ${sum}`
}

if (cluster.isPrimary) startWorkers()
else http.createServer((_request, response) => response.end(respond())).listen(Number(process.env.PORT ?? 0))
