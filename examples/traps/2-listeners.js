'use strict'

// Listeners and closures that are never removed: a million tasks with the one signal that ends the server.

const { getEventListeners } = require('node:events')
const { Worker } = require('node:worker_threads')
const { pool, transforms } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const TASKS = 200
const batches = pages(8, TASKS).map(page => page.map(record => JSON.stringify(record)))

/** It lives as long as the server, and is aborted when the server stops. */
const shutdown = new AbortController()

let tasks = 0

/** @type {Handler} */
async function naive(request, response) {
  const digests = await Promise.all(find(request).map(record => digestInWorker(record, shutdown.signal)))
  response.end(digests.join('\n'))
}

/**
 * Two listeners for each task, which are never removed: each retains its promise and everything that holds. Node warns
 * only once for each emitter. Since a signal compares a new listener with all existing ones, every task is slower than
 * the one before.
 * @param {string} record
 * @param {AbortSignal} signal
 */
function digestInWorker(record, signal) {
  return new Promise((resolve, reject) => {
    const { worker, waiting } = digester()
    signal.addEventListener('abort', () => reject(signal.reason))
    worker.on('error', reject)
    const id = tasks++
    waiting.set(id, resolve)
    worker.postMessage({ id, record })
  })
}

/** @type {{ worker: Worker, waiting: Map<number, (digest: string) => void> } | undefined} */
let only

/** The worker, started by the first task. */
function digester() {
  if (only !== undefined) return only
  const code = `
    const { createHash } = require('node:crypto')
    const { parentPort } = require('node:worker_threads')
    parentPort.on('message', ({ id, record }) => {
      parentPort.postMessage({ id, digest: createHash('sha256').update(record).digest('hex') })
    })`
  const worker = new Worker(code, { eval: true })
  const waiting = new Map()
  worker.on('message', ({ id, digest }) => {
    waiting.get(id)(digest)
    waiting.delete(id)
  })
  only = { worker, waiting }
  return only
}

const digest = transforms.digest('sha256', { encoding: 'hex' })

/**
 * All tasks of a signal share one listener, which is removed with the last of them.
 * @type {Handler}
 */
async function offloop(request, response) {
  const run = (/** @type {string} */ record) => pool.run(digest, record, { signal: shutdown.signal })
  const records = find(request)
  tasks += records.length
  response.end((await Promise.all(records.map(run))).join('\n'))
}

/** @param {import('./traps').Request} request */
function find({ url = '' }) {
  return batches[Number(url.slice('/batches/'.length))]
}

/**
 * @param {import('./traps').Aftermath} aftermath
 * @returns {import('./traps').Row[]}
 */
function rows({ seconds, heapGrown, warnings }) {
  const left = getEventListeners(shutdown.signal, 'abort').length + (only?.worker.listenerCount('error') ?? 0)
  const per100k = 100_000 / tasks
  return [
    { name: 'tasks done', value: tasks },
    { name: 'seconds for 100,000 tasks', value: seconds * per100k, better: 'less' },
    { name: 'listeners left', value: left },
    { name: 'listeners left by 100,000 tasks', value: Math.round(left * per100k) },
    { name: 'heap retained by 100,000 tasks, MB', value: (Math.max(0, heapGrown) * per100k) / 1e6, better: 'less' },
    { name: 'MaxListenersExceededWarning', value: warnings.MaxListenersExceededWarning ?? 0 }
  ]
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 2,
  name: 'listeners',
  title: 'listeners that outlive their tasks: up to a million tasks under one signal',
  paths: batches.map((_, index) => `/batches/${index}`),
  requests: 1_000_000 / TASKS,
  naive,
  offloop,
  open: body => body.toString(),
  rows
}
