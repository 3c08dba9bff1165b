'use strict'

// The findings of `offloop/doctor` in the servers of both sides.

const { basename } = require('node:path')

/** @typedef {import('./run').Result} Result */

const WIDTH = 40

/** @param {Result[]} results */
function verdicts(results) {
  const lines = ['offloop/doctor']
  for (const { number, name, naive, offloop } of results) {
    lines.push('', `${number}  ${name}`, ...side('naive', naive.findings), ...side('offloop', offloop.findings))
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {string} name
 * @param {import('./traps').Finding[]} findings
 */
function side(name, findings) {
  const texts = findings.length === 0 ? ['clean'] : findings.map(describe)
  return texts.map((text, index) => `   ${(index === 0 ? name : '').padEnd(8)} ${text}`)
}

/** @param {import('./traps').Finding} finding */
function describe({ title, function: name, file, line }) {
  return file === '' ? title : `${title.padEnd(WIDTH)} ${name} (${basename(file)}:${line})`
}

module.exports = { verdicts }
