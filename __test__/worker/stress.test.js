'use strict'

// Random schedules of tasks, aborts and crashing threads: every task settles once, and nothing leaks.
// OFFLOOP_SEED=<n> OFFLOOP_SCHEDULES=<n> replays schedules.

const assert = require('node:assert/strict')
const { getEventListeners } = require('node:events')
const { test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const { Pool } = require('../..')
const { userFunction } = require('../support/worker.js')
const { threadNames } = require('../support/threads.js')

const SEED = Number(process.env.OFFLOOP_SEED ?? Date.now() % 1_000_000)
const SCHEDULES = Number(process.env.OFFLOOP_SCHEDULES ?? 40)

/** @param {number} seed */
function random(seed) {
  let state = seed >>> 0
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Possible outcomes of each task if it is not aborted. */
const OUTCOMES = {
  double: ['fulfilled'],
  later: ['fulfilled'],
  spin: ['fulfilled'],
  customError: ['ERR_CUSTOM'],
  method: ['DataCloneError'],
  exit: ['ERR_OFFLOOP_WORKER_EXIT'],
  crash: ['ERR_OFFLOOP_WORKER_EXIT'],
  never: /** @type {string[]} */ ([])
}
// Most tasks are harmless.
const CHOICE = [
  ...Array(20).fill('double'),
  ...Array(6).fill('later'),
  'spin',
  'customError',
  'method',
  'exit',
  'crash',
  'never'
]

/** @param {number} seed */
async function schedule(seed) {
  const next = random(seed)
  const pool = new Pool({
    name: `stress-${seed}`,
    threads: 1 + next(3),
    workers: { gracePeriod: next(3), idleTimeout: next(2) * 5, maxTasks: 1 + next(50) }
  })
  const before = process.listenerCount('warning')
  const long = new AbortController()
  let settled = 0
  /** @type {Promise<void>[]} */
  const all = []
  const count = 10 + next(60)
  for (let i = 0; i < count; i++) {
    const kind = /** @type {keyof typeof OUTCOMES} */ (CHOICE[next(CHOICE.length)])
    const own = new AbortController()
    const isAborted = kind === 'never' || next(6) === 0
    const signal = isAborted ? own.signal : next(2) === 0 ? long.signal : undefined
    const input = kind === 'spin' ? next(4) : kind === 'exit' ? next(3) : i
    const task = pool.run(userFunction(kind), input, {
      signal,
      priority: /** @type {any} */ (['high', 'normal', 'low'][next(3)])
    })
    const outcome = task.then(
      () => 'fulfilled',
      error => (typeof error.code === 'string' ? error.code : error.name)
    )
    all.push(
      outcome.then(outcome => {
        settled++
        // A task may fail with its thread if another task ends it.
        const valid = [...OUTCOMES[kind], 'ERR_OFFLOOP_WORKER_EXIT', ...(isAborted ? ['AbortError', 'fulfilled'] : [])]
        assert.ok(valid.includes(outcome), `${kind} ${outcome}`)
      })
    )
    const turns = next(8)
    if (isAborted) {
      all.push(
        (async () => {
          for (let n = 0; n < turns; n++) await turn()
          own.abort()
        })()
      )
    }
    if (next(3) === 0) await turn()
  }
  await Promise.all(all)
  assert.equal(settled, count)
  // Aborted tasks may still be within their grace period.
  while (pool.stats().running + pool.stats().queued > 0) await turn()
  const { queuedBytes, completed, failed, cancelled } = pool.stats()
  assert.deepEqual([queuedBytes, completed + failed + cancelled], [0, count])
  await pool.close({ force: next(4) === 0 })
  assert.equal(getEventListeners(long.signal, 'abort').length, 0)
  assert.equal(process.listenerCount('warning'), before)
}

test(`${SCHEDULES} random schedules from seed ${SEED}`, { timeout: 10 * 60_000 }, async () => {
  const warnings = /** @type {Error[]} */ ([])
  const warned = (/** @type {Error} */ warning) => warnings.push(warning)
  process.on('warning', warned)
  for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
    await schedule(seed).catch(error => {
      error.message += ` (OFFLOOP_SEED=${seed} OFFLOOP_SCHEDULES=1)`
      throw error
    })
  }
  process.off('warning', warned)
  assert.deepEqual(warnings, [])
  // Threads end asynchronously.
  while (threadNames('offloop-stress').length > 0) await turn()
})
