'use strict'

// The formats of a report that are written to files.

/**
 * @typedef {import('../../doctor').Report} Report
 * @typedef {'json' | 'html' | 'md' | 'sarif'} Format
 */

/** Names of files by format. */
const FILES = /** @type {const} */ ({
  json: 'doctor.json',
  html: 'doctor.html',
  md: 'doctor.md',
  sarif: 'doctor.sarif'
})
/** Formats by extension. @type {Record<string, Format>} */
const EXTENSIONS = { '.json': 'json', '.html': 'html', '.md': 'md', '.sarif': 'sarif' }

/** @type {Record<Format, (report: Report) => string>} */
const WRITERS = {
  json: report => require('./report/json').json(report),
  html: report => require('./report/html').html(report),
  md: report => require('./report/markdown').markdown(report),
  sarif: report => require('./report/sarif').sarif(report)
}

/**
 * @param {Format} format
 * @param {Report} report
 */
function textOf(format, report) {
  return WRITERS[format](report)
}

module.exports = { EXTENSIONS, FILES, textOf }
