// The cluster of 7-cluster.mjs with a process for each core.

import cluster from 'node:cluster'
import http from 'node:http'
import { availableParallelism } from 'node:os'

function startWorkers() {
  for (let worker = 0; worker < availableParallelism(); worker++) cluster.fork()
}

function respond() {
  let sum = 0
  for (let step = 0; step < 200_000; step++) sum += step
  return `ok ${sum}`
}

if (cluster.isPrimary) startWorkers()
else http.createServer((_request, response) => response.end(respond())).listen(Number(process.env.PORT ?? 0))
