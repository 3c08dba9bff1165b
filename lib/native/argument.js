'use strict'

const { isAnyArrayBuffer, isDate, isMap, isPromise, isRegExp, isSet } = require('node:util').types
const { describeValue } = require('../internal/validate')

/**
 * Returns an argument for native code. Copies an object of options, which runs its getters. Replaces values of types that no
 * argument has, which native code cannot describe in a message, by a stand-in (src/node/args.rs).
 * @param {unknown} value
 */
function nativeArgument(value) {
  const argument = standIn(value)
  return isRecord(argument) ? mapFields(argument, standIn) : argument
}

/** @param {unknown} value */
function standIn(value) {
  const isOdd = typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function'
  if (!isOdd && !isDate(value) && !isMap(value) && !isPromise(value) && !isRegExp(value) && !isSet(value)) return value
  return { 'offloop.other': describeValue(value) }
}

/**
 * @param {Record<string, unknown>} record
 * @param {(field: unknown) => unknown} convert
 */
function mapFields(record, convert) {
  const fields = []
  // Includes inherited fields, as destructuring does.
  for (const name in record) fields.push([name, convert(record[name])])
  return Object.fromEntries(fields)
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !isAnyArrayBuffer(value)
}

module.exports = { nativeArgument, isRecord, mapFields }
