'use strict'

// The metrics of a pool, a cache, a stream and a watched event loop. Exporters derive their names, units and kinds from this table.

/**
 * @typedef {import('../../index').PoolStats} PoolStats
 * @typedef {import('../../index').LatencySummary} LatencySummary
 * @typedef {object} StatsOf
 * @property {PoolSnapshot} pool
 * @property {import('../../index').CacheStats & { tier?: TierStats }} cache
 * @property {import('../../index').StreamStats} stream
 * @property {WatchStats} loop
 * @typedef {import('../../watch').WatchStats} WatchStats
 * @typedef {import('../../index').TierStats} TierStats
 * @typedef {PoolStats & { maxQueue: number, maxQueueBytes: number }} PoolSnapshot statistics and limits of a pool
 * @typedef {keyof StatsOf} Subject
 * @typedef {number | LatencySummary | { [label: string]: Reading }} Reading
 *
 * @typedef {MetricOf<any>} Metric
 */

/**
 * @template Stats
 * @typedef {object} MetricOf
 * @property {string} name without the namespace, words of one level joined by `_` and levels by `.`
 * @property {'counter' | 'size' | 'gauge' | 'summary'} kind a counter only grows; sizes of several subjects add up, gauges do not;
 *   a summary is of durations
 * @property {string} unit in the Unified Code for Units of Measure: `s`, `By`, `1`, or a count such as `{task}`
 * @property {string | undefined} counted unit of the count of a summary
 * @property {string} description
 * @property {readonly string[]} labels besides the name of the subject
 * @property {(stats: Stats) => Reading | undefined} read reads the value from `stats()`, nested in an object by value for each
 *   label; `undefined` if it is not measured here
 */

/**
 * @template Stats
 * @param {Metric['kind']} kind
 * @param {string} name
 * @param {string} unit for a summary, that of its count
 * @param {string} description
 * @param {(stats: Stats) => Reading | undefined} read
 * @param {readonly string[]} [labels]
 * @returns {MetricOf<Stats>}
 */
function metric(kind, name, unit, description, read, labels = []) {
  if (kind === 'summary') return { kind, name, unit: 's', counted: unit, description, read, labels }
  return { kind, name, unit, counted: undefined, description, read, labels }
}

/**
 * Reads the statistics of each transform.
 * @param {(stats: PoolStats['byTransform'][string]) => Reading} read
 */
function byTransform(read) {
  return (/** @type {PoolStats} */ { byTransform }) =>
    Object.fromEntries(Object.entries(byTransform).map(([name, stats]) => [name, read(stats)]))
}

/**
 * Reads the statistics of a cache that has a tier.
 * @param {(tier: TierStats) => Reading | undefined} read
 */
function ofTier(read) {
  return (/** @type {{ tier?: TierStats }} */ { tier }) => (tier === undefined ? undefined : read(tier))
}

const tierResults = (/** @type {TierStats} */ { hits, misses, waits }) => {
  return { hit: hits, miss: Math.max(0, misses - waits), wait: waits }
}
const tierErrors = (/** @type {TierStats} */ { timeouts, errors, denied, undecodable, oversized }) => {
  return { timeout: timeouts, connection: errors, denied, undecodable, oversized }
}
const tierStates = (/** @type {TierStats} */ { state }) =>
  Object.fromEntries(['sighted', 'blind', 'down'].map(name => [name, name === state ? 1 : 0]))
const staleness = (/** @type {TierStats} */ { age }) => (Number.isFinite(age) ? inSeconds(age) : undefined)

const tasksByOutcome = (/** @type {PoolStats} */ { completed, failed, cancelled, rejected }) => {
  return { completed, failed, cancelled, rejected }
}
const tasksByTransform = byTransform(({ completed, failed }) => ({ completed, failed }))
const runTimeByTransform = byTransform(stats => stats.runTime)
const requestsByResult = (/** @type {import('../../index').CacheStats} */ { hits, staleHits, misses }) => {
  return { hit: hits, stale_hit: staleHits, miss: misses }
}

const blocksByCause = (/** @type {WatchStats} */ { block }) => /** @type {Reading} */ (block)
const inSeconds = (/** @type {number | undefined} */ millis) => millis && millis / 1000

/** @type {{ readonly [S in Subject]: readonly MetricOf<StatsOf[S]>[] }} */
const metrics = {
  pool: [
    metric('size', 'pool.threads', '{thread}', 'Maximum concurrent tasks', stats => stats.threads),
    metric('size', 'pool.running', '{task}', 'Running tasks', stats => stats.running),
    metric('size', 'pool.queue.length', '{task}', 'Tasks waiting for a thread', stats => stats.queued),
    metric('size', 'pool.queue.limit', '{task}', 'Maximum tasks waiting for a thread', stats => stats.maxQueue),
    metric('size', 'pool.waiting', '{caller}', 'Callers waiting for room', stats => stats.waiting),
    metric('size', 'pool.input.size', 'By', 'Input of unfinished tasks', stats => stats.queuedBytes),
    metric('size', 'pool.input.limit', 'By', 'Maximum input of unfinished tasks', stats => stats.maxQueueBytes),
    metric('gauge', 'pool.utilization', '1', 'Thread time used since the pool was made', stats => stats.utilization),
    metric(
      'gauge',
      'pool.loop.longest',
      's',
      'Longest use of an event-loop iteration',
      stats => stats.loop.longest / 1000
    ),
    metric('counter', 'pool.tasks', '{task}', 'Tasks by outcome', tasksByOutcome, ['outcome']),
    metric('summary', 'pool.wait', '{task}', 'Time that tasks waited for a thread', stats => stats.waitTime),
    metric('summary', 'pool.run', '{task}', 'Time that tasks ran', stats => stats.runTime),
    metric('counter', 'pool.transform.tasks', '{task}', 'Tasks that ran', tasksByTransform, ['transform', 'outcome']),
    metric('summary', 'pool.transform.run', '{task}', 'Time that tasks ran', runTimeByTransform, ['transform'])
  ],
  cache: [
    metric('size', 'cache.entries', '{entry}', 'Entries', stats => stats.size),
    metric('size', 'cache.size', 'By', 'Weight of the entries', stats => stats.bytes),
    metric('size', 'cache.in_flight', '{load}', 'Loads in flight', stats => stats.inFlight),
    metric('counter', 'cache.requests', '{request}', 'Requests by result', requestsByResult, ['result']),
    metric('counter', 'cache.coalesced', '{request}', 'Requests that joined a load', stats => stats.coalesced),
    metric('counter', 'cache.loads', '{load}', 'Loads started', stats => stats.loads),
    metric('counter', 'cache.load.failures', '{load}', 'Loads that failed', stats => stats.loadFailures),
    metric('summary', 'cache.load', '{load}', 'Time that loads took', stats => stats.loadTime),
    metric('counter', 'cache.evictions', '{entry}', 'Evicted entries by reason', stats => ({ ...stats.evictions }), [
      'reason'
    ]),
    metric('counter', 'cache.tier.requests', '{request}', 'Questions to the tier by result', ofTier(tierResults), [
      'result'
    ]),
    metric('counter', 'cache.tier.errors', '{error}', 'Failures of the tier by kind', ofTier(tierErrors), ['failure']),
    metric('gauge', 'cache.tier.state', '1', 'Whether the link to the tier is in a state', ofTier(tierStates), [
      'state'
    ]),
    metric(
      'size',
      'cache.tier.debts',
      '{delete}',
      'Deletes that the tier has not acknowledged',
      ofTier(it => it.debts)
    ),
    metric(
      'gauge',
      'cache.tier.staleness',
      's',
      'Age of the last moment up to which changes are known',
      ofTier(staleness)
    ),
    metric(
      'summary',
      'cache.tier.round_trip',
      '{request}',
      'Time that questions to the tier took',
      ofTier(it => it.roundTrip)
    )
  ],
  stream: [
    metric('counter', 'stream.written', '{chunk}', 'Chunks accepted', stats => stats.written),
    metric('counter', 'stream.completed', '{chunk}', 'Chunks processed', stats => stats.completed),
    metric('size', 'stream.in_flight', '{chunk}', 'Chunks in flight', stats => stats.inFlight),
    metric('size', 'stream.input.size', 'By', 'Bytes of the chunks in flight', stats => stats.inFlightBytes),
    metric('counter', 'stream.stalls', '{stall}', 'Times that a writer had to wait', stats => stats.stalls)
  ],
  loop: [
    metric('summary', 'loop.block', '{block}', 'Blocks of the event loop by cause', blocksByCause, ['cause']),
    metric('summary', 'loop.hold', '{iteration}', 'Time that iterations held the loop', stats => stats.hold),
    metric('summary', 'loop.delay', '{iteration}', 'Time that a request waits for the loop', stats => stats.delay),
    metric('gauge', 'loop.utilization', '1', 'Time in which the loop was not idle', stats => stats.utilization),
    metric('counter', 'loop.starved', 's', 'Time of blocks without a core', stats => inSeconds(stats.starved)),
    metric('counter', 'gc.time', 's', 'Time in garbage collections', stats => inSeconds(stats.gc)),
    metric('counter', 'watch.ticks', '{tick}', 'Looks of the watchdog', stats => stats.ticks)
  ]
}

/**
 * @typedef {object} Sample
 * @property {string} key of its series, unique in its subject
 * @property {Metric} metric
 * @property {SummaryPart | undefined} part of a summary
 * @property {Record<string, string>} labels
 * @property {number} value
 *
 * @typedef {'count' | 'time' | 'p50' | 'p90' | 'p99' | 'max'} SummaryPart
 */

/** @type {readonly SummaryPart[]} */
const SUMMARY_PARTS = ['count', 'time', 'p50', 'p90', 'p99', 'max']

/**
 * Returns the samples of a subject, in the order of the table.
 * @param {Subject} subject
 * @param {any} stats
 */
function samplesOf(subject, stats) {
  return metrics[subject].flatMap(metric => samplesIn(metric, metric.read(stats), {}))
}

/**
 * @param {Metric} metric
 * @param {any} reading
 * @param {Record<string, string>} labels labels above the reading
 * @returns {Sample[]}
 */
function samplesIn(metric, reading, labels) {
  if (reading === undefined) return []
  const values = Object.values(labels)
  if (values.length < metric.labels.length) {
    const label = metric.labels[values.length]
    return Object.keys(reading).flatMap(name => samplesIn(metric, reading[name], { ...labels, [label]: name }))
  }
  const parts = metric.kind === 'summary' ? SUMMARY_PARTS : [undefined]
  return parts.map(part => {
    const value = part === undefined ? reading : summaryPart(reading, part)
    return { key: [metric.name, part, ...values].join('\n'), metric, part, labels, value }
  })
}

/**
 * Returns a part of a summary, durations in seconds.
 * @param {LatencySummary} latency
 * @param {SummaryPart} part
 */
function summaryPart(latency, part) {
  if (part === 'count') return latency.count
  return (part === 'time' ? latency.mean * latency.count : latency[part]) / 1000
}

module.exports = { metrics, SUMMARY_PARTS, samplesOf }
