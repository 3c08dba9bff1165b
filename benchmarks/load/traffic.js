'use strict'

// node traffic.js <contender> read|unread: steady traffic in a process with a million cached entries of 1 KB; prints the
// lateness of the event loop. `read` reads the cache; `unread` and the contender `nothing held` call the loader each time.

const { performance } = require('node:perf_hooks')
const { setTimeout: sleep } = require('node:timers/promises')
const { LRUCache } = require('lru-cache')
const { Cache } = require('../..')
const { id, random } = require('../data/ids.js')
const { timerLateness } = require('./timer-lateness.js')
const { record } = require('../data/records.js')
const { percentile } = require('../harness/statistics.js')

const ENTRIES = 1_000_000
/** Gets per second, and the share of them for ids that are not cached. */
const RATE = 20_000
const MISSES = 0.1
const SECONDS = 10
const INTERVAL = 5

/**
 * @typedef {ReturnType<typeof record>} Value
 * @typedef {(id: string) => Promise<Value>} Get
 */

let loads = 0
/** @type {Get} */
const load = async id => {
  loads++
  return record(Number(id.slice('user:'.length)))
}

/** @type {Record<string, () => Get>} */
const CONTENDERS = {
  offloop: () => native('v8'),
  'offloop, json': () => native('json'),
  'lru-cache'() {
    const cache = new LRUCache({ max: ENTRIES, fetchMethod: load })
    for (let number = 0; number < ENTRIES; number++) cache.set(id(number), record(number))
    return id => cache.fetch(id)
  },
  'nothing held': () => load
}

/**
 * @param {'v8' | 'json'} codec
 * @returns {Get}
 */
function native(codec) {
  /** @type {Cache<string, Value>} */
  const cache = new Cache({ max: ENTRIES, storage: 'native', codec, load })
  for (let number = 0; number < ENTRIES; number++) cache.set(id(number), record(number))
  return id => cache.get(id)
}

/**
 * Calls `serve` at a fixed rate by the clock: calls delayed by an event-loop stop are made afterwards.
 * @param {(index: number) => unknown} serve
 */
function traffic(serve) {
  const begin = performance.now()
  let count = 0
  return /** @type {Promise<void>} */ (
    new Promise(resolve => {
      const tick = () => {
        const elapsed = performance.now() - begin
        const due = Math.floor((Math.min(elapsed, SECONDS * 1000) * RATE) / 1000)
        while (count < due) serve(count++)
        if (elapsed < SECONDS * 1000) setTimeout(tick, 1)
        else resolve()
      }
      tick()
    })
  )
}

async function main() {
  const [name, use] = process.argv.slice(2)
  const cachedGet = CONTENDERS[name]()
  const get = use === 'read' ? cachedGet : load
  const chance = random(1)
  let added = ENTRIES
  // The oldest entries, which new ones evict, are not requested.
  const next = () => (chance() < MISSES ? added++ : added - 1 - Math.floor(chance() * ENTRIES * 0.9))
  let orders = 0
  const serve = async () => {
    const value = await get(id(next()))
    orders += value.orders.length
  }
  await sleep(1000)
  loads = 0
  const before = performance.eventLoopUtilization()
  const timer = timerLateness(INTERVAL)
  await traffic(serve)
  const late = await timer.end()
  const { utilization } = performance.eventLoopUtilization(before)
  if (orders === 0) throw new Error('no get was served')
  // The cache stays reachable until here.
  await cachedGet(id(added - 1))
  const measured = {
    'timer late, p99': percentile(late, 99),
    'timer late, max': percentile(late, 100),
    'loop busy': utilization * 100,
    loads: (loads / (RATE * SECONDS)) * 100
  }
  process.stdout.write(JSON.stringify(measured))
}

main()
