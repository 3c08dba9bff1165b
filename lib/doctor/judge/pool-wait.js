'use strict'

// Finds work that waits outside the event loop: for threads of libuv's pool, or for another service.

const { starvedShare } = require('./processes')
const { duration, finding, number, percent, plural } = require('./sites')
const { quantile, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').PoolCallFact} PoolCallFact
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Finding} Finding
 */

const rules = [
  { rule: /** @type {const} */ ('pool-wait'), id: 'pool-wait', title: "waiting for threads of libuv's pool" },
  { rule: /** @type {const} */ ('concurrency'), id: 'concurrency', title: 'many identical calls in flight' }
]

/** Quantile of the waits, and its value from which the pool is full, in milliseconds. */
const QUANTILE = 0.95
const LONG = 20
/** Minimum median wait, in milliseconds: on a busy machine, single jobs wait for a core. */
const USUAL = 5
/** Mean running time from which the measured time of jobs, rather than their number, shows what fills the pool. */
const LONG_JOB = 5
/** Minimum number of measured waits. Fewer suffice if they add up to `LEAST_TOTAL` milliseconds: only one is measured at a time. */
const LEAST_VALUES = 20
const LEAST_TOTAL = 1500
const LEAST_OF_TOTAL = 4
const STARVED = 0.1
const MANY_CALLS = 500

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  const waits = facts.processes.flatMap(process => poolWait(process, setup))
  const worst = waits.sort((one, other) => other.time - one.time).slice(0, 1)
  return [...worst, ...concurrency(facts)]
}

/**
 * @param {ProcessFacts} process
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function poolWait(process, setup) {
  const waits = process.poolWait.map(({ wait }) => wait)
  const p95 = quantile(waits, QUANTILE)
  const p50 = quantile(waits, 0.5)
  if (!areEnough(waits) || p95 <= LONG || p50 <= USUAL || starvedShare(process, setup) >= STARVED) return []
  const { kind, share, field } = mainJob(process)
  const { frames, jobs } = largestCall(process, kind)
  const what =
    field === 'time' ? `${kind} takes ${percent(share)} of the jobs' time` : `${percent(share)} of the jobs are ${kind}`
  const by = kind === undefined ? '' : `; ${what}`
  const text = `Jobs waited ${duration(p50)} (median) for a thread of libuv's pool, ${duration(p95)} at the 95th percentile${by}.`
  return [
    finding({
      ...rules[0],
      title: "libuv's thread pool is full",
      confidence: 'certain',
      frames,
      evidence: {
        text,
        p50,
        p95,
        values: waits.length,
        jobs: process.poolJobs,
        ...(jobs === 0 ? {} : { fromLine: jobs })
      },
      fix: fixOf(kind),
      time: 0
    })
  ]
}

/**
 * Returns the kind of the jobs that fill the pool: the one that takes the most measured time or, if that time is too short to fill the
 * pool, the most frequent one.
 * @param {ProcessFacts} process
 * @returns {{ kind: string | undefined, share: number, field: 'jobs' | 'time' }}
 */
function mainJob({ poolJobs }) {
  const kinds = Object.entries(poolJobs)
  const timed = kinds.filter(([, { time }]) => time > 0)
  const field =
    sum(timed.map(([, { time }]) => time)) > sum(timed.map(([, { jobs }]) => jobs)) * LONG_JOB ? 'time' : 'jobs'
  const [first] = kinds.sort(([, one], [, other]) => other[field] - one[field])
  return { kind: first?.[0], share: first?.[1][field] / sum(kinds.map(([, it]) => it[field])), field }
}

/**
 * Returns the line that creates the most jobs of a kind.
 * @param {ProcessFacts} process
 * @param {string | undefined} kind such as `crypto` or `fs.stat`
 * @returns {{ frames: PoolCallFact['frames'], jobs: number }}
 */
function largestCall({ poolCalls }, kind) {
  const family = kind?.split('.')[0]
  const calls = poolCalls.filter(call => call.kind === family).sort((one, other) => other.jobs - one.jobs)
  return calls[0] ?? { frames: [], jobs: 0 }
}

/** @param {number[]} waits */
function areEnough(waits) {
  return waits.length >= LEAST_VALUES || (waits.length >= LEAST_OF_TOTAL && sum(waits) >= LEAST_TOTAL)
}

/** @param {string | undefined} job that fills the pool */
function fixOf(job) {
  const size = 'or a larger UV_THREADPOOL_SIZE, up to the number of cores if the jobs compute'
  if (job !== undefined && /zlib|crypto/.test(job)) {
    return `transforms on offloop's Pool, which does not use libuv's threads; ${size}`
  }
  if (job !== undefined && /dns/.test(job)) {
    return `dns.resolve4, which needs no thread, and a cache of addresses; ${size}`
  }
  return `zlib and crypto as transforms on offloop's Pool, which leaves libuv's threads to files and DNS; ${size}`
}

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function concurrency({ processes }) {
  const crowded = processes.flatMap(({ downstream }) => downstream).filter(({ concurrent }) => concurrent > MANY_CALLS)
  return crowded.map(({ kind, target, call, concurrent, calls, meanDuration, frames }) => {
    const text =
      `${number(concurrent)} identical calls to ${target} (${kind}) were in flight together, of ${plural(calls, 'call')} that took ` +
      `${duration(meanDuration)} each.`
    return finding({
      ...rules[1],
      confidence: 'possible',
      frames,
      evidence: { text, concurrent, calls, meanDuration, target, kind, call },
      fix: 'new Cache({ max, load }) for identical calls; for others, pool.map(…, { concurrency }) or a limit of connections'
    })
  })
}

module.exports = { judge, rules }
