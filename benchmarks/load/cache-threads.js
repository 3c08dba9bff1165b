'use strict'

// node cache-threads.js offloop <threads>: prints the CPU time of calls by worker threads to one named cache, in nanoseconds per
// call. The calls are divided among the threads.

const { once } = require('node:events')
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads')
const { Cache } = require('../..')
const { random } = require('../data/ids.js')
const { cpuTime } = require('./cpu-time.js')

const ENTRIES = 100_000
const HOT = 1000
/** Gets of hot ids for each `set` of a new id, which evicts an old one. */
const GETS = 19
const CALLS = 3_200_000
/**
 * Unmeasured calls of each thread, until V8 has compiled them: its few compiler threads serve all workers, and only one call in
 * twenty is a `set`.
 */
const WARM_UP = 1_000_000

/** @returns {Cache<number, number>} */
function open() {
  return new Cache({ name: 'scale', max: ENTRIES, storage: 'native' })
}

function hotIds() {
  const chance = random(1)
  return Array.from({ length: HOT }, () => Math.floor(chance() * ENTRIES))
}

/**
 * @param {Cache<number, number>} cache
 * @param {readonly number[]} hot
 * @param {number} count
 * @param {number} first new id
 */
async function calls(cache, hot, count, first) {
  for (let done = 0; done < count; done += GETS + 1) {
    for (let get = 0; get < GETS; get++) await cache.get(hot[(done + get) % HOT])
    cache.set(first + done, done)
  }
}

async function main() {
  const threads = Number(process.argv[3])
  const cache = open()
  for (let id = 0; id < ENTRIES; id++) cache.set(id, id)
  const workers = Array.from({ length: threads }, (_, index) => {
    const worker = new Worker(__filename, { workerData: { index, count: CALLS / threads } })
    return worker
  })
  const messages = () => Promise.all(workers.map(worker => once(worker, 'message')))
  await messages()
  const time = await cpuTime(CALLS, () => {
    for (const worker of workers) worker.postMessage('start')
    return messages()
  })
  process.stdout.write(JSON.stringify({ call: time }))
}

async function work() {
  const { index, count } = workerData
  const cache = open()
  const hot = hotIds()
  const first = ENTRIES + index * 2 * CALLS
  await calls(cache, hot, WARM_UP, first)
  parentPort?.once('message', async () => {
    await calls(cache, hot, count, first + WARM_UP)
    parentPort?.postMessage('done')
  })
  parentPort?.postMessage('ready')
}

if (isMainThread) main()
else work()
