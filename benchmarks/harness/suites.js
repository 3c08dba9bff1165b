'use strict'

const { readdirSync } = require('node:fs')
const { join } = require('node:path')

/**
 * @typedef {import('./case.js').Row} Row
 * @typedef {{ group: string, row: Row }} Chosen
 */

/** A group is a folder of suites/. */
const GROUPS = readdirSync(join(__dirname, '..', 'suites'))

/** @param {string} group @returns {Row[]} */
function rowsOf(group) {
  return require(join(__dirname, '..', 'suites', group)).rows
}

/**
 * @param {readonly string[]} names of groups; if there is none, all of them without what stands aside
 * @param {readonly string[]} [only] names of rows; groups may have rows of the same name
 * @returns {Chosen[]}
 */
function select(names, only) {
  const unknown = names.find(name => !GROUPS.includes(name))
  if (unknown !== undefined) throw new Error(`There is no group "${unknown}". The groups are: ${GROUPS.join(', ')}.`)

  const groups = names.length === 0 ? GROUPS : [...new Set(names)]
  const all = groups.flatMap(group => rowsOf(group).map(row => ({ group, row })))
  const missing = only?.find(name => !all.some(({ row }) => row.name === name))
  if (missing !== undefined) {
    throw new Error(`There is no row "${missing}". The rows are: ${all.map(({ row }) => row.name).join(', ')}.`)
  }
  if (only !== undefined) return all.filter(({ row }) => only.includes(row.name))
  return names.length === 0 ? all.filter(({ row }) => !row.aside) : all
}

module.exports = { GROUPS, rowsOf, select }
