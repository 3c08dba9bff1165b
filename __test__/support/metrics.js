'use strict'

// Parses exported metrics like a scraper and a collector.

const assert = require('node:assert/strict')
const { AggregationTemporality, DataPointType, MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics')

const HEAD = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const SERIES = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/

/**
 * Parses Prometheus's text format strictly.
 * @param {string} text
 * @returns {{ types: Map<string, string>, values: Map<string, number> }} by name, and by name with labels in order
 */
function parse(text) {
  const types = new Map()
  const values = new Map()
  let family = ''
  for (const line of text.split('\n').filter(it => it !== '' && it !== '# EOF')) {
    const head = HEAD.exec(line)
    if (head !== null) {
      const [, word, name, rest] = head
      family = name
      if (word === 'TYPE') {
        assert.ok(!types.has(name), `${name} is duplicated`)
        types.set(name, rest)
      }
      continue
    }
    const series = SERIES.exec(line)
    assert.ok(series, `not a series: ${line}`)
    const [, name, labels = '', value] = series
    assert.ok([family, `${family}_sum`, `${family}_count`, `${family}_total`].includes(name), `${name} under ${family}`)
    const key = labels === '' ? name : `${name}{${labels.replaceAll('"', "'")}}`
    assert.ok(!values.has(key), `${key} is duplicated`)
    assert.ok(Number.isFinite(Number(value)), line)
    values.set(key, Number(value))
  }
  return { types, values }
}

/**
 * Parses the output of a registry.
 * @param {{ metrics(): Promise<string> }} register
 */
async function scrape(register) {
  return parse(await register.metrics())
}

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** Returns a provider and a function that collects its series, by name with attributes. With `delta` only observed ones. */
function collector({ delta = false } = {}) {
  const temporality = delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE
  const reader = new Reader({ aggregationTemporalitySelector: () => temporality })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    assert.deepEqual(errors, [])
    const metrics = resourceMetrics.scopeMetrics.flatMap(it => it.metrics)
    const instruments = metrics.map(metric => {
      const isSum = metric.dataPointType === DataPointType.SUM
      const kind = isSum ? (metric.isMonotonic ? 'counter' : 'up-down counter') : 'gauge'
      return { ...metric.descriptor, kind }
    })
    const series = metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const written = Object.entries(attributes).map(([name, value]) => `${name}=${value}`)
        return /** @type {const} */ ([`${descriptor.name}{${written.join()}}`, Number(value)])
      })
    )
    const scopes = resourceMetrics.scopeMetrics.map(({ scope }) => scope)
    return { instruments, values: new Map(series), scopes }
  }
  return { meterProvider, collect }
}

module.exports = { collector, parse, Reader, scrape }
