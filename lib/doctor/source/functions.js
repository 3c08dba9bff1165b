'use strict'

// Finds the functions of the text that V8 ran, and their names.

const { childrenOf, isFunction, treeOf } = require('./syntax')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 *
 * A function with its start and end in the text. `isInline`: whether the function is the callback of a method of an array.
 * @typedef {{ name: string, from: number, to: number, node: AnyNode, isInline: boolean }} FunctionRange
 */

const ANONYMOUS = '<anonymous>'

/** Methods of arrays that call a function for each element. */
const METHODS =
  /^(?:forEach|map|flatMap|filter|reduce|reduceRight|some|every|find|findLast|findIndex|findLastIndex|sort)$/

/** Cache of functions by syntax tree. @type {WeakMap<AnyNode, FunctionRange[]>} */
const known = new WeakMap()

/**
 * Returns the functions of a text, outer ones before inner ones. Returns an empty array if the text cannot be parsed.
 * @param {string} text
 * @returns {FunctionRange[]}
 */
function functionsOf(text) {
  const tree = treeOf(text)
  if (tree === undefined) return []
  const functions = known.get(tree) ?? collect(tree)
  known.set(tree, functions)
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

/** @param {AnyNode} root */
function collect(root) {
  /** @type {FunctionRange[]} */
  const functions = []
  const open = [{ node: root, name: ANONYMOUS, isInline: false }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, name, isInline } = next
    if (isFunction(node)) functions.push({ name, from: node.start, to: node.end, node, isInline })
    for (const child of namedChildren(node).reverse()) open.push(child)
  }
  return functions
}

/**
 * Returns the children of a node. If the node names a function, the child has that name.
 * @param {AnyNode} node
 */
function namedChildren(node) {
  const name = nameOf(node)
  const isInline = isOfArray(node)
  return childrenOf(node).map(child => ({ node: child, name: ownName(child) ?? name, isInline }))
}

/** Returns whether a node calls such a method of an array. @param {AnyNode} node */
function isOfArray(node) {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false
  const { property } = node.callee
  return property.type === 'Identifier' && METHODS.test(property.name)
}

/** Returns the name that a function or class has itself. @param {AnyNode} node */
function ownName(node) {
  return 'id' in node && node.id?.type === 'Identifier' ? node.id.name : undefined
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
