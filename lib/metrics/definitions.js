'use strict'

// What is measured of a pool, a cache and a sink. Whoever exports metrics makes its names, units and kinds of this table.

/**
 * @typedef {import('../../index').LatencySummary} LatencySummary
 * @typedef {'pool' | 'cache' | 'sink'} Subject
 * @typedef {number | LatencySummary | { [label: string]: Reading }} Reading
 *
 * @typedef {object} Metric
 * @property {string} name without the namespace, words of one level joined by `_` and levels by `.`
 * @property {'counter' | 'size' | 'gauge' | 'summary'} kind a counter only grows; sizes of several subjects add up, gauges do not;
 *   a summary is of durations
 * @property {string} unit in the Unified Code for Units of Measure: `s`, `By`, `1`, or what is counted in braces
 * @property {string} [counted] what the durations of a summary are of, in braces
 * @property {string} description
 * @property {readonly string[]} labels besides the name of the subject
 * @property {(stats: any) => Reading} read a value of `stats()`, in an object of them for each label
 */

/**
 * @param {Metric['kind']} kind
 * @param {string} name
 * @param {string} unit
 * @param {string} description
 * @param {Metric['read']} read
 * @param {readonly string[]} [labels]
 * @returns {Metric}
 */
function metric(kind, name, unit, description, read, labels = []) {
  return { kind, name, unit, description, read, labels }
}

/**
 * @param {string} name
 * @param {string} counted
 * @param {string} description
 * @param {Metric['read']} read
 * @param {readonly string[]} [labels]
 * @returns {Metric}
 */
function summary(name, counted, description, read, labels = []) {
  return { kind: 'summary', name, unit: 's', counted, description, read, labels }
}

/**
 * What is counted by transform.
 * @template T
 * @param {(counted: import('../../index').PoolStats['byTransform'][string]) => T} read
 */
function byTransform(read) {
  return (/** @type {import('../../index').PoolStats} */ { byTransform }) =>
    Object.fromEntries(Object.entries(byTransform).map(([name, counted]) => [name, read(counted)]))
}

/** @type {Readonly<Record<Subject, readonly Metric[]>>} */
const metrics = {
  pool: [
    metric('size', 'pool.threads', '{thread}', 'Tasks that may run at once', it => it.threads),
    metric('size', 'pool.running', '{task}', 'Tasks that run', it => it.running),
    metric('size', 'pool.queue.length', '{task}', 'Tasks that wait for a thread', it => it.queued),
    metric('size', 'pool.queue.limit', '{task}', 'Tasks that may wait for a thread', it => it.maxQueue),
    metric('size', 'pool.input.size', 'By', 'Input of tasks that are not finished', it => it.queuedBytes),
    metric('size', 'pool.input.limit', 'By', 'Input that tasks may hold', it => it.maxQueueBytes),
    metric('gauge', 'pool.utilization', '1', 'Thread time used, since the last reset', it => it.utilization),
    metric(
      'counter',
      'pool.tasks',
      '{task}',
      'Tasks by what became of them',
      ({ completed, failed, cancelled, rejected }) => ({ completed, failed, cancelled, rejected }),
      ['outcome']
    ),
    summary('pool.wait', '{task}', 'Time that tasks waited for a thread', it => it.waitTime),
    summary('pool.run', '{task}', 'Time that tasks ran', it => it.runTime),
    metric(
      'counter',
      'pool.transform.tasks',
      '{task}',
      'Tasks that ran, by transform',
      byTransform(({ completed, failed }) => ({ completed, failed })),
      ['transform', 'outcome']
    ),
    summary(
      'pool.transform.run',
      '{task}',
      'Time that tasks ran, by transform',
      byTransform(it => it.runTime),
      ['transform']
    )
  ],
  cache: [
    metric('size', 'cache.entries', '{entry}', 'Entries held', it => it.size),
    metric('size', 'cache.size', 'By', 'What the entries weigh', it => it.bytes),
    metric('size', 'cache.in_flight', '{load}', 'Loads under way', it => it.inFlight),
    metric(
      'counter',
      'cache.requests',
      '{request}',
      'Questions by how they were answered',
      ({ hits, staleHits, misses }) => ({ hit: hits, stale_hit: staleHits, miss: misses }),
      ['result']
    ),
    metric('counter', 'cache.coalesced', '{request}', 'Questions that joined a load under way', it => it.coalesced),
    metric('counter', 'cache.loads', '{load}', 'Loads that began', it => it.loads),
    metric('counter', 'cache.load.failures', '{load}', 'Loads that failed', it => it.loadFailures),
    summary('cache.load', '{load}', 'Time that loads took', it => it.loadTime),
    metric('counter', 'cache.evictions', '{entry}', 'Entries that went, by reason', it => it.evictions, ['reason'])
  ],
  sink: [
    metric('counter', 'sink.written', '{chunk}', 'Chunks taken', it => it.written),
    metric('counter', 'sink.completed', '{chunk}', 'Chunks that are done', it => it.completed),
    metric('size', 'sink.in_flight', '{chunk}', 'Chunks under way', it => it.inFlight),
    metric('size', 'sink.input.size', 'By', 'Input under way', it => it.inFlightBytes),
    metric('counter', 'sink.stalls', '{stall}', 'Times that whoever wrote had to wait', it => it.stalls)
  ]
}

/**
 * A number that was read.
 * @typedef {object} Sample
 * @property {string} key of the series it belongs to, among those of its subject
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
 * All that is measured of a subject, in the order of the table.
 * @param {Subject} subject
 * @param {any} stats
 */
function samplesOf(subject, stats) {
  /** @type {Sample[]} */
  const samples = []
  for (const metric of metrics[subject]) collectSamples(metric, metric.read(stats), {}, samples)
  return samples
}

/**
 * @param {Metric} metric
 * @param {any} reading
 * @param {Record<string, string>} labels those that are known by now
 * @param {Sample[]} samples
 */
function collectSamples(metric, reading, labels, samples) {
  const values = Object.values(labels)
  if (values.length < metric.labels.length) {
    const label = metric.labels[values.length]
    for (const name of Object.keys(reading))
      collectSamples(metric, reading[name], { ...labels, [label]: name }, samples)
    return
  }
  const parts = metric.kind === 'summary' ? SUMMARY_PARTS : [undefined]
  for (const part of parts) {
    const value = part === undefined ? reading : summaryPart(reading, part)
    samples.push({ key: [metric.name, part, ...values].join('\n'), metric, part, labels, value })
  }
}

/**
 * Durations in seconds.
 * @param {LatencySummary} latency
 * @param {SummaryPart} part
 */
function summaryPart(latency, part) {
  if (part === 'count') return latency.count
  return (part === 'time' ? latency.mean * latency.count : latency[part]) / 1000
}

module.exports = { metrics, SUMMARY_PARTS, samplesOf }
