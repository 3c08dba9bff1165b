'use strict'

// Code blocks of documents, as programs.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { compileFunction } = require('node:vm')

const root = join(__dirname, '../..')

/**
 * @typedef {object} Block
 * @property {string} where heading and line
 * @property {string} info what stands behind its fence
 * @property {string} code
 * @property {number} line of its first line of code, from 0
 * @property {string} path
 */

/**
 * The code blocks of a document.
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

/** An expression on a line of its own, and the value that the document says it has. */
const ARROW = /^(.*\S) +\/\/ → (.*)$/gm

/**
 * Runs a block. `check` hears of each expression with an arrow.
 * @param {Block} block
 * @param {Record<string, unknown>} names that it may use besides its own
 * @param {(found: unknown, said: unknown) => void} check
 * @returns {Promise<void>}
 */
function runBlock({ code, path, line }, names, check) {
  const checked = code.replace(ARROW, (_, expression, value) => `check((${expression}), (${value}))`)
  const options = { filename: join(root, path), lineOffset: line - 1 }
  const run = compileFunction(`return (async () => {\n${checked}})()`, ['check', ...Object.keys(names)], options)
  return run(check, ...Object.values(names))
}

module.exports = { codeBlocks, root, runBlock }
