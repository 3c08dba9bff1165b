'use strict'

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

/**
 * @typedef {import('./case.js').Case} Case
 * @typedef {{ suite: string, benchmark: Case }} Chosen
 */

/** Names of the suites: the folders of suites/. */
const SUITES = readdirSync(join(__dirname, '..', 'suites'))

/** @returns {Case[]} */
function casesOf(/** @type {string} */ suite) {
  return require(join(__dirname, '..', 'suites', suite)).cases
}

/**
 * @param {readonly string[]} names of suites; without any, all suites except the cases on request
 * @param {readonly string[]} [only] names of cases; suites may have cases of the same name
 * @returns {Chosen[]}
 */
function select(names, only) {
  const unknown = names.find(name => !SUITES.includes(name))
  if (unknown !== undefined) throw new Error(`There is no suite "${unknown}". The suites are: ${SUITES.join(', ')}.`)

  const suites = names.length === 0 ? SUITES : [...new Set(names)]
  const all = suites.flatMap(suite => casesOf(suite).map(benchmark => ({ suite, benchmark })))
  const missing = only?.find(name => !all.some(({ benchmark }) => benchmark.name === name))
  if (missing !== undefined) {
    throw new Error(
      `There is no case "${missing}". The cases are: ${all.map(({ benchmark }) => benchmark.name).join(', ')}.`
    )
  }
  if (only !== undefined) return all.filter(({ benchmark }) => only.includes(benchmark.name))
  return names.length === 0 ? all.filter(({ benchmark }) => !benchmark.onRequest) : all
}

module.exports = { SUITES, casesOf, select }
