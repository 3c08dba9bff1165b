'use strict'

const { inspect } = require('node:util')
const { queueMicrotask } = require('../internal/clock')
const { invalidValue } = require('../internal/validate')

/**
 * @typedef {import('./target').Target} Target
 * @typedef {import('./definitions').Metric} Metric
 * @typedef {import('./definitions').SummaryPart} SummaryPart
 *
 * @typedef {object} Measurement
 * @property {Metric} metric
 * @property {SummaryPart | undefined} part of a summary
 * @property {Record<string, string>} labels labels of the metric, and the target's name by its subject
 * @property {Record<string, any>} userLabels labels in the user's options
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
    // Removes closed and collected targets, whose names are free then.
    this.#measure()
    const entry = this.#targets.get(target.key)
    if (entry === undefined) this.#targets.set(target.key, { target, holders: 1 })
    else if (entry.target.isSameAs(target)) entry.holders++
    else throw nameTakenError(target)
    this.#snapshot = undefined
  }

  /** @param {Target} target */
  remove(target) {
    const entry = this.#targets.get(target.key)
    // Another target may have taken the name since this one was closed.
    if (entry === undefined || !entry.target.isSameAs(target)) return
    if (--entry.holders === 0) this.#targets.delete(entry.target.key)
    this.#snapshot = undefined
  }

  /** Returns one snapshot to all readers of one scrape. */
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
      if (samples === undefined) this.#targets.delete(target.key)
      return (samples ?? []).map(({ metric, part, labels, value }) => ({
        metric,
        part,
        labels: { [target.subject]: target.name, ...labels },
        userLabels: target.labels,
        value
      }))
    })
  }
}

/** @param {Target} target */
function nameTakenError({ subject, name, labels }) {
  const withLabels = Object.keys(labels).length === 0 ? '' : ` with the labels ${inspect(labels)}`
  const orOne = subject === 'stream' ? '' : `, or measure only one of them if they share one named ${subject}`
  return invalidValue(
    `Another ${subject} is measured as ${inspect(name)}${withLabels}. Give one of them another name${orOne}`
  )
}

module.exports = { Exporter }
