'use strict'

// Finds the lines of a function that let values outlive its calls: those that add to a container, or assign to a variable or a
// property from outside of the function.

const { childrenOf, isFunction } = require('./syntax')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 * @typedef {import('./functions').FunctionRange} FunctionRange
 *
 * A line that keeps values. `kind`: that of the container, or `Variable`. `isOuter`: whether the container or variable is declared
 * outside of the function, and no argument of it.
 * @typedef {object} Keep
 * @property {'Array' | 'Map' | 'Set' | 'Object' | 'Variable' | 'other'} kind
 * @property {boolean} isOuter
 * @property {string} name last part of the name of the container or variable
 * @property {number} line from 1
 * @property {number} column from 1
 *
 * Variables of a function. `fresh`: those that the function initializes with a new container.
 * @typedef {{ own: Set<string>, fresh: Set<string> }} Variables
 */

/** Kinds of containers by the methods that add to them. @type {Map<string, Keep['kind']>} */
const METHODS = new Map([
  ['push', 'Array'],
  ['unshift', 'Array'],
  ['splice', 'Array'],
  ['set', 'Map'],
  ['add', 'Set'],
  ['append', 'other'],
  ['enqueue', 'other'],
  ['insert', 'other'],
  ['put', 'other']
])
const NEW_CONTAINERS = /^(?:Array|Object|New)Expression$/
/** Values that take no memory. */
const NUMBERS = /^(?:Unary|Update|Logical)Expression$|^Literal$/

/**
 * Returns the lines of a function that keep values, those of outer containers first. Functions within the function are left out.
 * @param {FunctionRange} range
 * @returns {Keep[]}
 */
function keepsOf({ node, name }) {
  const nodes = nodesOf(node)
  const variables = variablesOf(node, nodes)
  const isConstructor = name === 'constructor'
  const keeps = nodes.flatMap(it => keepOf(it, variables, isConstructor) ?? [])
  return [...keeps.filter(({ isOuter }) => isOuter), ...keeps.filter(({ isOuter }) => !isOuter)]
}

/** Returns the names of the functions that a function calls. @param {FunctionRange} range */
function calledBy({ node }) {
  const calls = nodesOf(node).filter(it => it.type === 'CallExpression')
  return calls.map(({ callee }) => nameOf(callee)).filter(name => name !== '')
}

/** Returns the nodes of a function in the order of the text. @param {AnyNode} root */
function nodesOf(root) {
  const nodes = []
  const open = childrenOf(root).reverse()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    nodes.push(node)
    if (!isFunction(node)) open.push(...childrenOf(node).reverse())
  }
  return nodes
}

/**
 * @param {AnyNode} root
 * @param {readonly AnyNode[]} nodes of the function
 * @returns {Variables}
 */
function variablesOf(root, nodes) {
  const parameters = 'params' in root ? root.params : []
  const declarators = nodes.filter(node => node.type === 'VariableDeclarator')
  const fresh = declarators.filter(({ init }) => NEW_CONTAINERS.test(init?.type ?? ''))
  return {
    own: new Set([...parameters, ...declarators.map(({ id }) => id)].flatMap(namesOf)),
    fresh: new Set(fresh.flatMap(({ id }) => namesOf(id)))
  }
}

/**
 * Returns the names in a pattern, including those of default values.
 * @param {AnyNode} pattern
 * @returns {string[]}
 */
function namesOf(pattern) {
  if (pattern.type === 'Identifier') return [pattern.name]
  return pattern.type === 'Property' ? namesOf(pattern.value) : childrenOf(pattern).flatMap(namesOf)
}

/**
 * @param {AnyNode} node
 * @param {Variables} variables
 * @param {boolean} isConstructor
 * @returns {Keep | undefined}
 */
function keepOf(node, variables, isConstructor) {
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression') {
    const { object, property } = node.callee
    const kind = property.type === 'Identifier' ? METHODS.get(property.name) : undefined
    const root = rootOf(object)
    if (kind === undefined || isFresh(root, variables)) return undefined
    return at(property, { kind, isOuter: isOuter(root, variables), name: nameOf(object) })
  }
  if (node.type !== 'AssignmentExpression' || isNumber(node.right)) return undefined
  const { left } = node
  const root = rootOf(left)
  if (left.type === 'Identifier') return isOuter(root, variables) ? variable(left) : undefined
  // A constructor initializes its object.
  const isInitialization = isConstructor && root.type === 'ThisExpression'
  if (left.type !== 'MemberExpression' || isFresh(root, variables) || isInitialization) return undefined
  if (left.computed) return at(left, { kind: 'Object', isOuter: isOuter(root, variables), name: nameOf(left.object) })
  return isOuter(root, variables) ? variable(left) : undefined
}

/** @param {AnyNode} node */
function variable(node) {
  return at(node, { kind: 'Variable', isOuter: true, name: nameOf(node) })
}

/**
 * Returns the last part of the name of a variable or a property.
 * @param {AnyNode} node
 * @returns {string}
 */
function nameOf(node) {
  if (node.type === 'ChainExpression') return nameOf(node.expression)
  if (node.type === 'MemberExpression') return node.computed ? '' : nameOf(node.property)
  if (node.type === 'PrivateIdentifier') return `#${node.name}`
  return node.type === 'Identifier' ? node.name : ''
}

/**
 * Returns whether a value is a number or a boolean, as far as the text shows.
 * @param {AnyNode} node
 * @returns {boolean}
 */
function isNumber(node) {
  if (node.type === 'Literal') return typeof node.value !== 'string'
  if (node.type !== 'BinaryExpression') return NUMBERS.test(node.type)
  return node.operator !== '+' || isNumber(node.left) || isNumber(node.right)
}

/**
 * Returns the outermost object of a property.
 * @param {AnyNode} node
 * @returns {AnyNode}
 */
function rootOf(node) {
  if (node.type === 'MemberExpression') return rootOf(node.object)
  if (node.type === 'ChainExpression') return rootOf(node.expression)
  return node
}

/**
 * @param {AnyNode} root
 * @param {Variables} variables
 */
function isFresh(root, { fresh }) {
  return NEW_CONTAINERS.test(root.type) || (root.type === 'Identifier' && fresh.has(root.name))
}

/**
 * @param {AnyNode} root
 * @param {Variables} variables
 */
function isOuter(root, { own }) {
  return root.type === 'ThisExpression' || (root.type === 'Identifier' && !own.has(root.name))
}

/**
 * @param {AnyNode} node
 * @param {Omit<Keep, 'line' | 'column'>} keep
 * @returns {Keep}
 */
function at({ loc }, keep) {
  const { line, column } = /** @type {import('../vendor/acorn').SourceLocation} */ (loc).start
  return { ...keep, line, column: column + 1 }
}

module.exports = { calledBy, keepsOf }
