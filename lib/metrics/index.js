'use strict'

// What the exporters of metrics share: what is measured, and of what.

const { readSources } = require('./options')
const { Sources } = require('./exporter')
const { metrics, PARTS } = require('./definitions')

/**
 * @typedef {import('./target').Source} Source
 * @typedef {import('./definitions').Subject} Subject
 * @typedef {import('./definitions').Metric} Metric
 * @typedef {import('./definitions').Part} Part
 * @typedef {import('./exporter').Measurement} Measurement
 */

/**
 * Adds each source to the exporter of its subject; all or none of them. Returns what removes them.
 * @param {Source[]} sources
 * @param {(subject: Subject) => { add(source: Source): void, remove(source: Source): void }} exporterOf
 */
function addAll(sources, exporterOf) {
  /** @type {(() => void)[]} */
  const added = []
  const removeAll = () => {
    for (const remove of added.splice(0)) remove()
  }
  try {
    for (const source of sources) {
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

module.exports = { addAll, metrics, PARTS, readSources, Sources }
