'use strict'

// The part that the exporters for Prometheus and OpenTelemetry share.

const { readTargets } = require('./options')
const { Exporter } = require('./exporter')
const { metrics, SUMMARY_PARTS } = require('./definitions')

/**
 * @typedef {import('./target').Target} Target
 * @typedef {import('./definitions').Subject} Subject
 * @typedef {import('./definitions').Metric} Metric
 * @typedef {import('./definitions').SummaryPart} SummaryPart
 * @typedef {import('./exporter').Measurement} Measurement
 */

/**
 * Adds each target to the exporter of its subject: all or none of them. Returns a function that removes them.
 * @param {Target[]} targets
 * @param {(subject: Subject) => { add(target: Target): void, remove(target: Target): void }} exporterOf
 */
function addAll(targets, exporterOf) {
  /** @type {(() => void)[]} */
  const added = []
  const removeAll = () => {
    for (const remove of added.splice(0)) remove()
  }
  try {
    for (const target of targets) {
      const exporter = exporterOf(target.subject)
      exporter.add(target)
      added.push(() => exporter.remove(target))
    }
  } catch (error) {
    removeAll()
    throw error
  }
  return removeAll
}

module.exports = { addAll, metrics, SUMMARY_PARTS, readTargets, Exporter }
