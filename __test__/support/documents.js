'use strict'

// Extracts code blocks of documents and runs them.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { compileFunction } = require('node:vm')

const root = join(__dirname, '../..')

/**
 * @typedef {object} Block
 * @property {string} where heading and line
 * @property {string} info the info string of its fence
 * @property {string} code
 * @property {number} line index of its first line of code
 * @property {string} path
 */

/**
 * Lists the code blocks of a document.
 * @param {string} path from the root of the project
 * @returns {Block[]}
 */
function codeBlocks(path) {
  /** @type {Block[]} */
  const blocks = []
  let heading = ''
  /** @type {Block | undefined} */
  let open
  for (const [index, text] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
    if (open === undefined) {
      if (text.startsWith('#')) heading = text.replace(/^#+ /, '')
      const info = /^```(.*)$/.exec(text)?.[1]
      if (info !== undefined) open = { where: `${heading}, line ${index + 1}`, info, code: '', line: index + 1, path }
    } else if (text === '```') {
      blocks.push(open)
      open = undefined
    } else open.code += `${text}\n`
  }
  return blocks
}

/** A line with an expression and, behind an arrow, its expected value. */
const ARROW = /^(.*\S) +\/\/ → (.*)$/gm

/**
 * Runs a block. Calls `check` for each expression with an arrow.
 * @param {Block} block
 * @param {Record<string, unknown>} names variables that the block may use
 * @param {(actual: unknown, expected: unknown) => void} check
 * @returns {Promise<void>}
 */
function runBlock({ code, path, line }, names, check) {
  const checked = code.replace(ARROW, (_, expression, value) => `check((${expression}), (${value}))`)
  const options = { filename: join(root, path), lineOffset: line - 1 }
  const run = compileFunction(`return (async () => {\n${checked}})()`, ['check', ...Object.keys(names)], options)
  return run(check, ...Object.values(names))
}

module.exports = { codeBlocks, root, runBlock }
