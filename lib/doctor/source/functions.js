'use strict'

// Finds the functions of the text that V8 ran, and their names.

const { parse } = require('../vendor/acorn.js')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 *
 * A function with its start and end in the text.
 * @typedef {{ name: string, from: number, to: number }} FunctionRange
 */

const OPTIONS = /** @type {const} */ ({
  ecmaVersion: 'latest',
  allowHashBang: true,
  allowReturnOutsideFunction: true,
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowSuperOutsideMethod: true
})
const ANONYMOUS = '<anonymous>'

/**
 * Returns the functions of a text, outer ones first; none if the text is not JavaScript.
 * @param {string} text
 * @returns {FunctionRange[]}
 */
function functionsOf(text) {
  const tree = parsed(text)
  /** @type {FunctionRange[]} */
  const functions = []
  if (tree !== undefined) collect(tree, ANONYMOUS, functions)
  return functions
}

/**
 * Returns the innermost function around an index of the text.
 * @param {readonly FunctionRange[]} functions
 * @param {number} index
 */
function functionAt(functions, index) {
  return functions.findLast(({ from, to }) => from <= index && index < to)
}

/**
 * @param {string} text
 * @returns {AnyNode | undefined}
 */
function parsed(text) {
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
 * @param {AnyNode} root
 * @param {string} rootName
 * @param {FunctionRange[]} functions
 */
function collect(root, rootName, functions) {
  /** @type {{ node: AnyNode, name: string }[]} */
  const open = [{ node: root, name: rootName }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, name } = next
    if (/Function/.test(node.type)) functions.push({ name, from: node.start, to: node.end })
    open.push(...childrenOf(node).reverse())
  }
}

/**
 * Returns the children of a node, with the names that the node gives to functions.
 * @param {AnyNode} node
 */
function childrenOf(node) {
  const name = nameOf(node)
  return Object.values(node)
    .flat()
    .filter(child => typeof child?.type === 'string')
    .map(child => ({ node: /** @type {AnyNode} */ (child), name: child.id?.name ?? name }))
}

/** Returns the name that a node gives to a function in it. @param {AnyNode} node */
function nameOf(node) {
  switch (node.type) {
    case 'VariableDeclarator':
      return nameOfKey(node.id)
    case 'AssignmentExpression':
      return nameOfKey(node.left)
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return nameOfKey(node.key)
    default:
      return ANONYMOUS
  }
}

/**
 * @param {AnyNode} key
 * @returns {string}
 */
function nameOfKey(key) {
  if (key.type === 'Identifier') return key.name
  if (key.type === 'PrivateIdentifier') return `#${key.name}`
  if (key.type === 'Literal') return String(key.value)
  return key.type === 'MemberExpression' ? nameOfKey(key.property) : ANONYMOUS
}

module.exports = { functionAt, functionsOf }
