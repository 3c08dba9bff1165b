'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { queueMicrotask } = require('../internal/clock')

/**
 * @typedef {import('./target').Source} Source
 *
 * @typedef {object} Measurement
 * @property {import('./definitions').Metric} metric
 * @property {import('./definitions').Part | undefined} part of a summary
 * @property {Record<string, string>} labels of the table, and the name by its subject
 * @property {Record<string, any>} besides the labels that the user gave
 * @property {number} value
 */

/** The sources of one subject that are exported to one place, each for as many as added it. */
class Sources {
  /** @type {Map<string, { source: Source, holders: number }>} */
  #held = new Map()
  /** @type {Measurement[] | undefined} */
  #snapshot

  get isEmpty() {
    return this.#held.size === 0
  }

  /** @param {Source} source */
  add(source) {
    // Whoever is closed or forgotten leaves its name to others.
    this.#measure()
    const held = this.#held.get(source.key)
    if (held === undefined) {
      source.open()
      this.#held.set(source.key, { source, holders: 1 })
    } else if (held.source.measuresSame(source)) held.holders++
    else throw takenError(source)
    this.#snapshot = undefined
  }

  /** @param {Source} source */
  remove(source) {
    const held = this.#held.get(source.key)
    // Another may have its name since it was closed.
    if (held === undefined || !held.source.measuresSame(source)) return
    if (--held.holders === 0) this.#drop(held.source)
    this.#snapshot = undefined
  }

  /** What is measured: the same for all who ask in one go, as the metrics of a registry do. */
  read() {
    if (this.#snapshot === undefined) {
      this.#snapshot = this.#measure()
      queueMicrotask(() => {
        this.#snapshot = undefined
      })
    }
    return this.#snapshot
  }

  #measure() {
    return [...this.#held.values()].flatMap(({ source }) => {
      const samples = source.read()
      if (samples === undefined) this.#drop(source)
      return (samples ?? []).map(({ metric, part, labels, value }) => ({
        metric,
        part,
        labels: { [source.subject]: source.name, ...labels },
        besides: source.labels,
        value
      }))
    })
  }

  /** @param {Source} source */
  #drop(source) {
    source.close()
    this.#held.delete(source.key)
  }
}

/** @param {Source} source */
function takenError({ subject, name, labels }) {
  const besides = Object.keys(labels).length === 0 ? '' : ` with the labels ${inspect(labels)}`
  const same = subject === 'sink' ? '' : `, or measure one alone if both are of the same named ${subject}`
  const message = `Another ${subject} is measured as ${inspect(name)}${besides}. Give one of them another name${same}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

module.exports = { Sources }
