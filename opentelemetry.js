'use strict'

const { inspect } = require('node:util')
const { metrics: api, ValueType } = require('@opentelemetry/api')
const { addAll, metrics, SUMMARY_PARTS, readTargets, Exporter } = require('./lib/metrics')
const { invalidType, invalidValue } = require('./lib/internal/validate')
const { name: scope, version } = require('./package.json')

/**
 * @typedef {import('./lib/metrics').Target} Target
 * @typedef {import('./lib/metrics').Subject} Subject
 * @typedef {import('./lib/metrics').Metric} Metric
 * @typedef {import('./lib/metrics').SummaryPart} SummaryPart
 * @typedef {import('@opentelemetry/api').MeterProvider} MeterProvider
 */

const OPTIONS = ['meterProvider', 'attributes']

/** Attribute names by label. */
const ATTRIBUTES = /** @type {Record<string, string>} */ ({
  pool: 'offloop.pool.name',
  cache: 'offloop.cache.name',
  stream: 'offloop.stream.name',
  loop: 'offloop.loop.name',
  cause: 'offloop.loop.block.cause',
  transform: 'offloop.transform.name',
  outcome: 'offloop.task.outcome',
  result: 'offloop.cache.result',
  reason: 'offloop.cache.eviction.reason',
  failure: 'offloop.cache.tier.failure',
  state: 'offloop.cache.tier.state'
})

/** Observers of each provider, by subject. @type {WeakMap<MeterProvider, Map<Subject, Observer>>} */
const providers = new WeakMap()

/** @param {import('./opentelemetry.d.ts').OpenTelemetryOptions} options */
function observeMetrics(options) {
  const targets = readTargets(options, OPTIONS, readAttributes)
  const { meterProvider = api.getMeterProvider() } = options
  if (typeof meterProvider?.getMeter !== 'function') {
    throw invalidType('The "options.meterProvider" property', 'a MeterProvider of OpenTelemetry', meterProvider)
  }
  return addAll(targets, subject => observerOf(meterProvider, subject))
}

/**
 * @param {MeterProvider} provider
 * @param {Subject} subject
 */
function observerOf(provider, subject) {
  const known = providers.get(provider) ?? new Map()
  providers.set(provider, known)
  const observer = known.get(subject) ?? new Observer(provider, subject)
  known.set(subject, observer)
  return observer
}

/** Instruments of one subject in a provider, shared by all calls that add targets. */
class Observer {
  #meter
  #exporter = new Exporter()
  /** @type {Map<string, import('@opentelemetry/api').Observable>} */
  #instruments

  /**
   * @param {MeterProvider} provider
   * @param {Subject} subject
   */
  constructor(provider, subject) {
    this.#meter = provider.getMeter(scope, version)
    this.#instruments = new Map(
      metrics[subject].flatMap(metric => {
        const parts = metric.kind === 'summary' ? SUMMARY_PARTS : [undefined]
        return parts.map(part => [nameOf(metric, part), this.#instrument(metric, part)])
      })
    )
  }

  /** @param {Target} target */
  add(target) {
    this.#exporter.add(target)
    // Adding it again has no effect.
    this.#meter.addBatchObservableCallback(this.#observe, [...this.#instruments.values()])
  }

  /** @param {Target} target */
  remove(target) {
    this.#exporter.remove(target)
    if (!this.#exporter.isEmpty) return
    this.#meter.removeBatchObservableCallback(this.#observe, [...this.#instruments.values()])
  }

  /** @type {import('@opentelemetry/api').BatchObservableCallback} */
  #observe = result => {
    for (const { metric, part, labels, userLabels, value } of this.#exporter.read()) {
      const instrument = this.#instruments.get(nameOf(metric, part))
      if (instrument !== undefined) result.observe(instrument, value, { ...attributesOf(labels), ...userLabels })
    }
  }

  /**
   * @param {Metric} metric
   * @param {SummaryPart | undefined} part
   */
  #instrument({ name, kind, unit, counted, description }, part) {
    const own = part === 'count' && counted !== undefined ? counted : unit
    const valueType = own === 's' || own === '1' ? ValueType.DOUBLE : ValueType.INT
    const options = { description, unit: own, valueType }
    const full = nameOf({ name }, part)
    if (kind === 'counter' || part === 'count' || part === 'time') {
      return this.#meter.createObservableCounter(full, options)
    }
    if (kind === 'size') return this.#meter.createObservableUpDownCounter(full, options)
    return this.#meter.createObservableGauge(full, options)
  }
}

/**
 * @param {{ name: string }} metric
 * @param {SummaryPart | undefined} part
 */
function nameOf({ name }, part) {
  return part === undefined ? `offloop.${name}` : `offloop.${name}.${part}`
}

/** @param {Record<string, string>} labels */
function attributesOf(labels) {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [ATTRIBUTES[label], value]))
}

/** @param {{ attributes?: unknown }} options */
function readAttributes({ attributes = {} }) {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw invalidType('The "options.attributes" property', 'of type object', attributes)
  }
  const reserved = Object.values(ATTRIBUTES)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === '' || reserved.includes(name)) {
      const names = reserved.map(attribute => `'${attribute}'`).join(', ')
      throw invalidValue(`An attribute name must not be empty or one of ${names}. Received ${inspect(name)}`)
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw invalidType(`The "options.attributes.${name}" property`, 'of type string, number or boolean', value)
    }
  }
  return { ...attributes }
}

/** @type {typeof import('./opentelemetry.d.ts')} */
module.exports = { observeMetrics }
