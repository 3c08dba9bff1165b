'use strict'

// Parses the texts that V8 ran.

const nodeModule = require('node:module')
const { parse } = require('../vendor/acorn.js')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 * @typedef {import('../vendor/acorn').Program} Program
 */

const OPTIONS = /** @type {const} */ ({
  ecmaVersion: 'latest',
  locations: true,
  allowHashBang: true,
  allowReturnOutsideFunction: true,
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowSuperOutsideMethod: true
})
/** Number of cached syntax trees. */
const MAX_TREES = 32

/** @type {Map<string, Program | undefined>} */
const trees = new Map()

/**
 * Returns the syntax tree of a text, or `undefined` if it is neither JavaScript nor TypeScript that Node.js can run.
 * @param {string} text
 */
function treeOf(text) {
  if (!trees.has(text)) {
    const [oldest] = trees.keys()
    if (trees.size >= MAX_TREES) trees.delete(oldest)
    trees.set(text, parsed(text))
  }
  return trees.get(text)
}

/** @param {string} text */
function parsed(text) {
  const tree = parsedScript(text)
  if (tree !== undefined) return tree
  const stripped = withoutTypes(text)
  return stripped === undefined ? undefined : parsedScript(stripped)
}

/** @param {string} text */
function parsedScript(text) {
  // Scripts may use names that modules reserve.
  for (const sourceType of /** @type {const} */ (['module', 'script'])) {
    try {
      return parse(text, { ...OPTIONS, sourceType })
    } catch {
      // Acorn does not support the text.
    }
  }
  return undefined
}

/**
 * Returns a TypeScript text as Node.js runs it, with spaces in place of types. Node.js 20 cannot strip types.
 * @param {string} text
 * @returns {string | undefined}
 */
function withoutTypes(text) {
  const { stripTypeScriptTypes: strip } = /** @type {{ stripTypeScriptTypes?: (text: string) => string }} */ (
    nodeModule
  )
  const { emitWarning } = process
  // The user did not call `stripTypeScriptTypes`, so its warning must not be printed.
  process.emitWarning = () => {}
  try {
    return strip?.(text)
  } catch {
    // The text is not TypeScript, or needs a compiler.
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** @param {AnyNode} node */
function isFunction({ type }) {
  return type === 'FunctionExpression' || type === 'ArrowFunctionExpression' || type === 'FunctionDeclaration'
}

/**
 * Returns the nodes directly below a node.
 * @param {AnyNode} node
 * @returns {AnyNode[]}
 */
function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter(child => typeof child?.type === 'string')
}

module.exports = { childrenOf, isFunction, treeOf }
