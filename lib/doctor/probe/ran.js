'use strict'

// Lists the functions that have run, from the call counters that V8 keeps anyway. V8 forgets functions that are garbage collected.

const { isUserFile } = require('../../watch/frames')
const { pathOf } = require('../urls')

const MAX_FUNCTIONS = 20_000

/**
 * Returns the functions of the program that have run.
 * @param {import('node:inspector').Profiler.ScriptCoverage[]} scripts
 * @returns {import('../facts').RanFact[]}
 */
function ranFunctions(scripts) {
  const files = scripts.map(({ url, functions }) => ({ file: pathOf(url), functions }))
  const ran = files
    .filter(({ file }) => isUserFile(file))
    .flatMap(({ file, functions }) => functions.map(({ ranges: [range] }) => ({ file, ...range })))
    .filter(({ count }) => count > 0)
  return ran
    .slice(0, MAX_FUNCTIONS)
    .map(({ file, startOffset, endOffset }) => ({ file, from: startOffset, to: endOffset }))
}

module.exports = { ranFunctions }
