'use strict'

// node server.js <trap file> <naive | offloop>: the HTTP server of one side of one trap.

const { createServer } = require('node:http')
const { monitorEventLoopDelay, PerformanceObserver } = require('node:perf_hooks')
const { examine } = require('offloop/doctor')
const { watch } = require('offloop/watch')
const { answer } = require('./child')

/** @type {import('./traps').Trap} */
const trap = require(process.argv[2])
const handler = process.argv[3] === 'naive' ? trap.naive : trap.offloop

const server = createServer((request, response) => {
  if (request.url === '/ping') response.end('pong')
  else handler(request, response).catch(error => refuse(response, error))
})

/** Milliseconds: some traps block the loop briefly, but often. */
const THRESHOLD = 10

let hasFailed = false

/**
 * Answers with 503 if the pool is full: the only failure that a client may retry.
 * @param {import('./traps').Response} response
 * @param {any} error
 */
function refuse(response, error) {
  const isFull = error?.code === 'ERR_OFFLOOP_QUEUE_FULL'
  if (!isFull && !hasFailed) process.stderr.write(`${error?.stack ?? error}\n`)
  hasFailed ||= !isFull
  response.writeHead(isFull ? 503 : 500).end()
}

/** @type {Record<string, number>} */
const warnings = {}
process.on('warning', ({ name }) => {
  warnings[name] = (warnings[name] ?? 0) + 1
})

const loop = monitorEventLoopDelay({ resolution: 1 })
let began = 0
let heapBefore = 0
/** Resident memory: before the load, and at its peak. */
const memory = { before: 0, peak: 0, timer: /** @type {NodeJS.Timeout | undefined} */ (undefined) }

/** Pauses for the garbage collector, in milliseconds. */
const collections = { total: 0, longest: 0 }
const collector = new PerformanceObserver(list => count(list.getEntries()))

/** @param {import('node:perf_hooks').PerformanceEntry[]} entries */
function count(entries) {
  for (const { duration } of entries) {
    collections.total += duration
    collections.longest = Math.max(collections.longest, duration)
  }
}

/** The longest block of the loop under load. @type {import('offloop/watch').Block | undefined} */
let longestBlock
let stopWatch = () => {}

/** @param {import('offloop/watch').Block} block */
function onBlock(block) {
  if (longestBlock === undefined || block.duration > longestBlock.duration) longestBlock = block
}

/** @type {import('offloop/doctor').Examination | undefined} */
let examination

/**
 * Ends the examination, and returns the findings that would fail a build.
 * @returns {Promise<import('./traps').Finding[]>}
 */
async function findings() {
  const report = await examination?.stop()
  const found = report?.findings.filter(({ confidence }) => confidence !== 'possible') ?? []
  return found.map(({ title, function: name, file, line }) => ({ title, function: name, file, line }))
}

answer({
  /**
   * @param {string} directory for the trap's files
   * @returns {Promise<number>} the port
   */
  listen(directory) {
    trap.prepare?.(directory)
    return new Promise((resolve, reject) => {
      server.on('error', reject)
      server.listen(0, '127.0.0.1', () =>
        resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
      )
    })
  },

  async begin() {
    heapBefore = heapAfterCollection()
    memory.before = process.memoryUsage.rss()
    memory.peak = memory.before
    memory.timer = setInterval(sampleMemory, 20)
    examination = await examine()
    collector.observe({ entryTypes: ['gc'] })
    stopWatch = watch({ threshold: THRESHOLD, maxPerMinute: Infinity, maxPerStack: Infinity, onBlock })
    loop.enable()
    loop.reset()
    began = performance.now()
  },

  async end() {
    count(collector.takeRecords())
    collector.disconnect()
    loop.disable()
    stopWatch()
    clearInterval(memory.timer)
    sampleMemory()
    const peak = memory.peak - memory.before
    const seconds = (performance.now() - began) / 1000
    const longestStop = loop.max / 1e6
    const delay = loop.percentile(99) / 1e6
    const heapGrown = heapAfterCollection() - heapBefore
    return {
      longestStop,
      longestBlock,
      findings: await findings(),
      rows: trap.rows?.({ seconds, heapGrown, warnings, delay, peak, collections }) ?? []
    }
  }
})

function sampleMemory() {
  memory.peak = Math.max(memory.peak, process.memoryUsage.rss())
}

function heapAfterCollection() {
  global.gc?.()
  return process.memoryUsage().heapUsed
}
