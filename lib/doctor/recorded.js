'use strict'

// Reads reports that an earlier run has written.

const { readFileSync } = require('node:fs')
const { UsageError } = require('./options')
const { faultOfReport } = require('./report/schema-check')

const VERSION = 1

/**
 * Reads and checks a report in JSON.
 * @param {string} file
 * @returns {import('../../doctor').Report}
 */
function readReport(file) {
  const report = parse(file)
  const version = report?.version
  if (Number.isInteger(version) && version !== VERSION) {
    throw new UsageError(`${file} is a report of version ${version}; this offloop reads version ${VERSION}`)
  }
  const fault = faultOfReport(report)
  if (fault !== undefined) throw new UsageError(`${file} is not a report of the doctor: ${fault}`)
  return report
}

/** @param {string} file */
function parse(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${/** @type {Error} */ (error).message}`)
  }
}

module.exports = { readReport }
