'use strict'

// What the exporters of metrics share: what is measured, and of what.

const { readSources } = require('./metrics/options')
const { Sources } = require('./metrics/sources')
const { metrics, PARTS } = require('./metrics/table')

/**
 * @typedef {import('./metrics/source').Source} Source
 * @typedef {import('./metrics/table').Subject} Subject
 * @typedef {import('./metrics/table').Metric} Metric
 * @typedef {import('./metrics/table').Part} Part
 * @typedef {import('./metrics/sources').Measurement} Measurement
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
