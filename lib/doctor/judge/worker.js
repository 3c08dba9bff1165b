'use strict'

// Finds threads and processes that live for a single request, or accumulate.

const { callerOf, lineOf } = require('./callers')
const { groupBy } = require('./groups')
const { bytes, duration, finding, number, percent, plural } = require('./sites')
const { largest, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').StartFact} StartFact
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 *
 * @typedef {{ fact: StartFact, process: ProcessFacts }} Started
 *
 * Figures of the starts at one line, in all processes. Times are in milliseconds.
 * @typedef {object} Figures
 * @property {number} starts
 * @property {number} shortLived
 * @property {number} concurrent
 * @property {number} startTime mean of the medians of the processes
 * @property {number | undefined} perRequest `undefined` without requests
 * @property {number} rss largest resident size of the starting process, in bytes
 */

const RULE = /** @type {const} */ (8)
const rules = [
  { rule: RULE, id: 'worker-per-request', title: 'a worker thread for each request' },
  { rule: RULE, id: 'process-per-request', title: 'a child process for each request' }
]

const LEAST_STARTS = 10
const LEAST_PER_REQUEST = 0.1
/** Minimum share of short-lived threads or processes among those that have ended. */
const LEAST_SHORT = 0.8
/** Number of running threads or processes above which they do not belong to a pool, and minimum number of their starts per request. */
const MANY = 32
const MANY_PER_CORE = 4
const LEAST_STAYING = 0.5
/** Minimum number of starts in a program without requests. */
const LEAST_IN_BATCH = 50
/** Minimum share of the time in starts that may be necessary: of programs other than Node.js, or without requests. */
const LEAST_COST = 0.05

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge({ processes, cores }, setup) {
  const started = processes.flatMap(process => process.starts.map(fact => ({ fact, process })))
  return groupBy(started, ({ fact }) => `${fact.kind} ${lineOf(fact)}`).flatMap(group => {
    const figures = figuresOf(group, setup)
    const confidence = confidenceOf(group, figures, { ...setup, cores })
    return confidence === undefined ? [] : [findingOf(group, figures, confidence, setup)]
  })
}

/**
 * @param {Started[]} group
 * @param {Setup} setup
 * @returns {Figures}
 */
function figuresOf(group, { requests }) {
  const starts = sum(group.map(({ fact }) => fact.starts))
  return {
    starts,
    shortLived: sum(group.map(({ fact }) => fact.shortLived)),
    concurrent: sum(group.map(({ fact }) => fact.concurrent)),
    startTime: starts === 0 ? 0 : sum(group.map(({ fact }) => fact.startTime * fact.starts)) / starts,
    perRequest: requests > 0 ? starts / requests : undefined,
    rss: largest(group.flatMap(({ process }) => process.rows.map(({ rss }) => rss)))
  }
}

/**
 * @param {Started[]} group
 * @param {Figures} figures
 * @param {Setup & { cores: number }} setup
 * @returns {Confidence | undefined}
 */
function confidenceOf([{ fact }], figures, setup) {
  const { starts, shortLived, concurrent, perRequest } = figures
  const isOwn = fact.kind === 'worker' || isNode(fact)
  if (shortLived < LEAST_STARTS || shortLived < LEAST_SHORT * (starts - concurrent)) {
    const isMany = concurrent > Math.max(MANY, MANY_PER_CORE * setup.cores)
    return isMany && isOwn && (perRequest ?? 0) >= LEAST_STAYING ? 'likely' : undefined
  }
  const byCost = costOf(figures, setup) >= LEAST_COST ? 'likely' : 'possible'
  if (perRequest === undefined) {
    if (fact.kind !== 'worker' || starts < LEAST_IN_BATCH) return undefined
    // Packages such as test runners start threads to isolate tests.
    return callerOf(fact.frames)?.isUser === true ? byCost : 'possible'
  }
  if (perRequest < LEAST_PER_REQUEST) return undefined
  return isOwn ? 'certain' : byCost
}

/** @param {StartFact} fact */
function isNode({ what }) {
  return /^node( |$)/.test(what)
}

/**
 * Returns the share of the time that starts took. The start of a process holds the loop; that of a thread runs beside it.
 * @param {Figures} figures
 * @param {Setup} setup
 */
function costOf({ starts, startTime }, { seconds }) {
  return seconds > 0 ? Math.min(1, (starts * startTime) / (seconds * 1000)) : 0
}

/**
 * @param {Started[]} group
 * @param {Figures} figures
 * @param {Confidence} confidence
 * @param {Setup} setup
 * @returns {Finding}
 */
function findingOf(group, figures, confidence, setup) {
  const { fact } = group.reduce((most, it) => (it.fact.starts > most.fact.starts ? it : most))
  const isWorker = fact.kind === 'worker'
  const share = costOf(figures, setup)
  return finding({
    ...rules[isWorker ? 0 : 1],
    title: isWorker ? 'a worker thread per request' : 'a child process per request',
    confidence,
    frame: callerOf(fact.frames),
    frames: fact.frames,
    evidence: { text: textOf(fact, figures, share), ...figures, what: fact.what, ...(isWorker ? {} : { share }) },
    fix: fixOf(fact),
    time: share * setup.seconds * 1000
  })
}

/**
 * @param {StartFact} fact
 * @param {Figures} figures
 * @param {number} share
 */
function textOf({ kind, what }, { starts, shortLived, concurrent, startTime, perRequest, rss }, share) {
  const subject = kind === 'worker' ? plural(starts, 'thread') : `${plural(starts, 'process')} (${what})`
  const rate = perRequest === undefined ? '' : `, ${number(perRequest)} for each request`
  const memory = rss > 0 && kind === 'worker' ? `; the process grew to ${bytes(rss)}` : ''
  const cost = kind === 'worker' ? '' : `, ${percent(share)} of the loop's time`
  return (
    `Started ${subject}${rate}; ${number(shortLived)} of them ended within five seconds. ` +
    `A start takes ${duration(startTime)}${cost}; up to ${number(concurrent)} ran at the same time${memory}.`
  )
}

/** @param {StartFact} fact */
function fixOf(fact) {
  if (fact.kind === 'worker') {
    return (
      'pool.run(transforms.worker(file), input) reuses threads, and transforms.workerScript runs the script unchanged; ' +
      'without offloop, a fixed number of workers and a queue'
    )
  }
  return isNode(fact)
    ? 'pool.run(transforms.worker(file), input) runs the function in a reused thread; without offloop, a fixed number of processes'
    : 'a library that does the same within the process, on a pool; or a fixed number of processes that handle many inputs each'
}

module.exports = { judge, rules }
