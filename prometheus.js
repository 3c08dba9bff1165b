'use strict'

const { inspect } = require('node:util')
const { Counter, Gauge, Summary, register: globalRegister } = require('prom-client')
const { addAll, metrics, readTargets, Exporter } = require('./lib/metrics')
const { invalidType, invalidValue } = require('./lib/internal/validate')

/**
 * @typedef {import('./lib/metrics').Target} Target
 * @typedef {import('./lib/metrics').Subject} Subject
 * @typedef {import('./lib/metrics').Metric} Metric
 * @typedef {import('./lib/metrics').Measurement} Measurement
 * @typedef {NonNullable<import('./prometheus.d.ts').PrometheusOptions['register']>} Registry
 * @typedef {Omit<import('prom-client').GaugeConfiguration<string>, 'collect'>} Configuration
 */

const OPTIONS = ['prefix', 'labels', 'register']

/** Labels of the metrics themselves, which `options.labels` must not override. */
const RESERVED = [
  ...new Set([...Object.keys(metrics), ...Object.values(metrics).flatMap(all => all.flatMap(metric => metric.labels))]),
  'quantile'
]

const QUANTILES = { p50: '0.5', p90: '0.9', p99: '0.99', max: '1' }

/** Collectors of each registry, by prefix and subject. @type {WeakMap<Registry, Map<string, Collectors>>} */
const registries = new WeakMap()

/** @param {import('./prometheus.d.ts').PrometheusOptions} options */
function collectMetrics(options) {
  const targets = readTargets(options, OPTIONS, readLabels)
  const { prefix = 'offloop_', register = globalRegister, labels = {} } = options
  checkPrefix(prefix)
  checkRegister(register)
  const names = Object.keys(labels).sort()
  return addAll(targets, subject => collectorsOf(register, prefix, subject, names))
}

/**
 * @param {Registry} register
 * @param {string} prefix
 * @param {Subject} subject
 * @param {string[]} labelNames
 */
function collectorsOf(register, prefix, subject, labelNames) {
  const known = registries.get(register) ?? new Map()
  registries.set(register, known)
  const key = `${prefix} ${subject}`
  const found = known.get(key)
  if (found?.isRegistered) {
    found.checkLabels(labelNames)
    return found
  }
  const made = new Collectors(register, prefix, subject, labelNames)
  known.set(key, made)
  return made
}

/** Metrics of one subject in a registry, shared by all calls that add targets. */
class Collectors {
  #register
  #prefix
  #labelNames
  #exporter = new Exporter()
  /** @type {[name: string, collector: import('prom-client').Metric][]} */
  #collectors = []

  /**
   * @param {Registry} register
   * @param {string} prefix
   * @param {Subject} subject
   * @param {string[]} labelNames of `options.labels`
   */
  constructor(register, prefix, subject, labelNames) {
    this.#register = register
    this.#prefix = prefix
    this.#labelNames = labelNames
    try {
      for (const metric of metrics[subject]) this.#collect(metric, subject)
    } catch (error) {
      this.#unregister()
      throw error
    }
  }

  /** False once the registry has been cleared. */
  get isRegistered() {
    return this.#collectors.some(([name, collector]) => this.#register.getSingleMetric(name) === collector)
  }

  /**
   * Throws unless the names are those of the metrics: all series of a metric must have the same label names.
   * @param {string[]} names
   */
  checkLabels(names) {
    if (names.join() === this.#labelNames.join()) return
    const present = `as in the '${this.#prefix}' metrics of this registry`
    const message = `The names in options.labels must be ${inspect(this.#labelNames)}, ${present}. Received ${inspect(names)}`
    throw invalidValue(message)
  }

  /** @param {Target} target */
  add(target) {
    this.#exporter.add(target)
  }

  /** @param {Target} target */
  remove(target) {
    this.#exporter.remove(target)
    if (this.#exporter.isEmpty) this.#unregister()
  }

  /**
   * @param {Metric} metric
   * @param {Subject} subject
   */
  #collect(metric, subject) {
    const name = this.#prefix + nameOf(metric)
    const measure = () => this.#exporter.read().filter(measurement => measurement.metric === metric)
    const collector = collectorFor(metric.kind, measure, {
      name,
      help: metric.description,
      labelNames: [subject, ...metric.labels, ...this.#labelNames],
      registers: [this.#register],
      // For AggregatorRegistry, over the processes of a cluster.
      aggregator: metric.kind === 'gauge' ? 'average' : 'sum'
    })
    this.#collectors.push([name, collector])
  }

  #unregister() {
    for (const [name, collector] of this.#collectors) {
      if (this.#register.getSingleMetric(name) === collector) this.#register.removeSingleMetric(name)
    }
  }
}

/**
 * Converts an OpenTelemetry name to a Prometheus name, by the standard rule.
 * @param {Metric} metric
 */
function nameOf({ name, kind, unit }) {
  const units = /** @type {Record<string, string>} */ ({ s: '_seconds', By: '_bytes', 1: '_ratio' })
  return `${name.replaceAll('.', '_')}${units[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`
}

/**
 * @param {Metric['kind']} kind
 * @param {() => Measurement[]} measure
 * @param {Configuration} configuration
 * @returns {import('prom-client').Metric}
 */
function collectorFor(kind, measure, configuration) {
  if (kind === 'summary') return new Latencies(configuration, measure)
  if (kind === 'counter') {
    /** @this {Counter<string>} */
    const collect = function () {
      this.reset()
      for (const measurement of measure()) this.inc(labelsOf(measurement), measurement.value)
    }
    return new Counter({ ...configuration, collect })
  }
  /** @this {Gauge<string>} */
  const collect = function () {
    this.reset()
    for (const measurement of measure()) this.set(labelsOf(measurement), measurement.value)
  }
  return new Gauge({ ...configuration, collect })
}

/**
 * A summary with precomputed quantiles.
 * @extends {Summary<string>}
 */
class Latencies extends Summary {
  #configuration
  #measure

  /**
   * @param {Configuration} configuration
   * @param {() => Measurement[]} measure
   */
  constructor(configuration, measure) {
    super(configuration)
    this.#configuration = configuration
    this.#measure = measure
  }

  async get() {
    const { name, help, aggregator } = this.#configuration
    const values = this.#measure().map(measurement => {
      const { part, value } = measurement
      const labels = labelsOf(measurement)
      if (part === 'count') return { metricName: `${name}_count`, labels, value }
      if (part === 'time') return { metricName: `${name}_sum`, labels, value }
      const quantile = QUANTILES[/** @type {keyof typeof QUANTILES} */ (part)]
      return { labels: { ...labels, quantile }, value }
    })
    // The types declare `type` as a number, which is a string at run time, and a function that only some metrics have.
    return /** @type {any} */ ({ name, help, type: 'summary', aggregator, values })
  }
}

/** @param {Measurement} measurement */
function labelsOf({ labels, userLabels }) {
  return { ...labels, ...userLabels }
}

/** @param {{ labels?: unknown }} options */
function readLabels({ labels = {} }) {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw invalidType('The "options.labels" property', 'of type object', labels)
  }
  for (const [name, value] of Object.entries(labels)) {
    if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || RESERVED.includes(name)) {
      const reserved = RESERVED.map(label => `'${label}'`).join(', ')
      const message = `A label name must be letters, digits and _, and not one of ${reserved}. Received ${inspect(name)}`
      throw invalidValue(message)
    }
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalidType(`The "options.labels.${name}" property`, 'of type string or number', value)
    }
  }
  return { ...labels }
}

/** @param {unknown} prefix */
function checkPrefix(prefix) {
  if (typeof prefix !== 'string') throw invalidType('The "options.prefix" property', 'of type string', prefix)
  if (/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/.test(prefix)) return
  throw invalidValue(`The "options.prefix" property must be letters, digits, _ and :. Received ${inspect(prefix)}`)
}

/** Accepts registries of other copies of prom-client. @param {any} register */
function checkRegister(register) {
  const methods = ['registerMetric', 'getSingleMetric', 'removeSingleMetric']
  if (methods.every(method => typeof register?.[method] === 'function')) return
  throw invalidType('The "options.register" property', 'a Registry of prom-client', register)
}

/** @type {typeof import('./prometheus.d.ts')} */
module.exports = { collectMetrics }
