'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { queueMicrotask } = require('../internal/clock')

/**
 * @typedef {import('./target').Target} Target
 * @typedef {import('./definitions').Metric} Metric
 * @typedef {import('./definitions').SummaryPart} SummaryPart
 *
 * @typedef {object} Measurement
 * @property {Metric} metric
 * @property {SummaryPart | undefined} part of a summary
 * @property {Record<string, string>} labels of the table, and the name by its subject
 * @property {Record<string, any>} userLabels the labels that the user gave
 * @property {number} value
 */

/** Exports the targets of one subject. A target stays until each caller that added it has removed it. */
class Exporter {
  /** @type {Map<string, { target: Target, holders: number }>} */
  #targets = new Map()
  /** @type {Measurement[] | undefined} */
  #snapshot

  get isEmpty() {
    return this.#targets.size === 0
  }

  /** @param {Target} target */
  add(target) {
    // Whoever is closed or forgotten leaves its name to others.
    this.#measure()
    const entry = this.#targets.get(target.key)
    if (entry === undefined) {
      target.open()
      this.#targets.set(target.key, { target, holders: 1 })
    } else if (entry.target.isSameAs(target)) entry.holders++
    else throw nameTakenError(target)
    this.#snapshot = undefined
  }

  /** @param {Target} target */
  remove(target) {
    const entry = this.#targets.get(target.key)
    // Another may have its name since it was closed.
    if (entry === undefined || !entry.target.isSameAs(target)) return
    if (--entry.holders === 0) this.#remove(entry.target)
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
    return [...this.#targets.values()].flatMap(({ target }) => {
      const samples = target.read()
      if (samples === undefined) this.#remove(target)
      return (samples ?? []).map(({ metric, part, labels, value }) => ({
        metric,
        part,
        labels: { [target.subject]: target.name, ...labels },
        userLabels: target.labels,
        value
      }))
    })
  }

  /** @param {Target} target */
  #remove(target) {
    target.close()
    this.#targets.delete(target.key)
  }
}

/** @param {Target} target */
function nameTakenError({ subject, name, labels }) {
  const besides = Object.keys(labels).length === 0 ? '' : ` with the labels ${inspect(labels)}`
  const same = subject === 'sink' ? '' : `, or measure one alone if both are of the same named ${subject}`
  const message = `Another ${subject} is measured as ${inspect(name)}${besides}. Give one of them another name${same}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

module.exports = { Exporter }
