'use strict'

// What the exporters of metrics share: what is measured, and of what.

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
 * Adds each source to the exporter of its subject; all or none of them. Returns what removes them.
 * @param {Target[]} targets
 * @param {(subject: Subject) => { add(target: Target): void, remove(source: Target): void }} exporterOf
 */
function addAll(targets, exporterOf) {
  /** @type {(() => void)[]} */
  const added = []
  const removeAll = () => {
    for (const remove of added.splice(0)) remove()
  }
  try {
    for (const source of targets) {
      const exporter = exporterOf(source.subject)
      exporter.add(source)
      added.push(() => exporter.remove(source))
    }
  } catch (error) {
    removeAll()
    throw error
  }
  return removeAll
}

module.exports = { addAll, metrics, SUMMARY_PARTS, readTargets, Exporter }
