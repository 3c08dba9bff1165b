'use strict'

// Finds the lines of a function that let values outlive the call: lines that add to a container, or assign to a variable or property
// outside of the function.

const { childrenOf, isFunction } = require('./syntax')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 * @typedef {import('./functions').FunctionRange} FunctionRange
 *
 * A line that keeps values. `kind`: kind of the container, or `Variable`. `Table`: an object to which the line adds a property once, as in
 * `table[key] ??= []`.
 * @typedef {object} Keep
 * @property {'Array' | 'Map' | 'Set' | 'Object' | 'Table' | 'Variable' | 'other'} kind
 * @property {number} rank one of `RANKS`
 * @property {string} name last part of the name of the container or variable
 * @property {number} line from 1
 * @property {number} column from 1
 *
 * Variables of a function. `fresh`: those that the function initializes with a new container.
 * @typedef {{ arguments: Set<string>, own: Set<string>, fresh: Set<string> }} Variables
 */

/** Kinds of containers by the methods that add to them. @type {Map<string, Keep['kind']>} */
const METHODS = new Map([
  ['push', 'Array'],
  ['unshift', 'Array'],
  ['set', 'Map'],
  ['add', 'Set'],
  ['append', 'other'],
  ['enqueue', 'other'],
  ['insert', 'other'],
  ['put', 'other']
])
/**
 * How surely values accumulate, the surest first. `outer`: in a container outside of the function, or in a variable that is extended.
 * `found`: in a container that the function has read from elsewhere. `replaced`: in a variable that is replaced. `argument`: in an
 * argument.
 */
const RANKS = { outer: 0, found: 1, replaced: 2, argument: 3 }
/** Operators that assign only a missing value. */
const ONCE = /^(?:\?\?|\|\|)=$/
const NEW_CONTAINERS = /^(?:Array|Object|New)Expression$/
/** Types of nodes whose values take no memory. */
const NUMBERS = /^(?:Unary|Update|Logical)Expression$|^Literal$/

/**
 * Returns the lines of a function that keep values, the surest first. Inner functions are left out.
 * @param {FunctionRange} range
 * @returns {Keep[]}
 */
function keepsOf({ node, name }) {
  const nodes = nodesOf(node)
  const variables = variablesOf(node, nodes)
  const isConstructor = name === 'constructor'
  const keeps = nodes.flatMap(it => keepOf(it, variables, isConstructor) ?? [])
  return keeps.sort((one, other) => one.rank - other.rank)
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
    if (isFunction(node)) continue
    for (const child of childrenOf(node).reverse()) open.push(child)
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
    arguments: new Set(parameters.flatMap(namesOf)),
    own: new Set(declarators.flatMap(({ id }) => namesOf(id))),
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
    const rank = rankOf(rootOf(object), variables)
    return kind === undefined || rank === undefined ? undefined : at(property, { kind, rank, name: nameOf(object) })
  }
  if (node.type !== 'AssignmentExpression' || isNumber(node.right)) return undefined
  const { left } = node
  const root = rootOf(left)
  // A constructor only initializes its object.
  if (isConstructor && root.type === 'ThisExpression') return undefined
  const rank = rankOf(root, variables)
  if (rank === undefined) return undefined
  if (left.type === 'MemberExpression' && left.computed)
    return at(left, { kind: ONCE.test(node.operator) ? 'Table' : 'Object', rank, name: nameOf(left.object) })
  if (rank !== RANKS.outer) return undefined
  return at(left, { kind: 'Variable', rank: extendsItself(node) ? rank : RANKS.replaced, name: nameOf(left) })
}

/**
 * Returns whether the assigned value contains the previous one, as in `text += line`.
 * @param {import('../vendor/acorn').AssignmentExpression} assignment
 */
function extendsItself({ operator, left, right }) {
  if (operator !== '=') return true
  const name = nameOf(left)
  return [right, ...nodesOf(right)].some(it => it.type === left.type && nameOf(it) === name)
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
 * Returns whether a value is certainly a number or a boolean.
 * @param {AnyNode} node
 * @returns {boolean}
 */
function isNumber(node) {
  if (node.type === 'Literal') return typeof node.value !== 'string'
  if (node.type !== 'BinaryExpression') return NUMBERS.test(node.type)
  return node.operator !== '+' || isNumber(node.left) || isNumber(node.right)
}

/**
 * Returns the object at the start of a chain of properties and method calls: `a` in `a.b().c`.
 * @param {AnyNode} node
 * @returns {AnyNode}
 */
function rootOf(node) {
  if (node.type === 'MemberExpression') return rootOf(node.object)
  if (node.type === 'ChainExpression') return rootOf(node.expression)
  return node.type === 'CallExpression' && node.callee.type === 'MemberExpression' ? rootOf(node.callee) : node
}

/**
 * Returns how surely values accumulate in a container, or `undefined` if the function creates the container.
 * @param {AnyNode} root object at the start of the chain
 * @param {Variables} variables
 */
function rankOf(root, variables) {
  if (root.type === 'ThisExpression') return RANKS.outer
  if (root.type !== 'Identifier') return NEW_CONTAINERS.test(root.type) ? undefined : RANKS.found
  if (variables.fresh.has(root.name)) return undefined
  if (variables.arguments.has(root.name)) return RANKS.argument
  return variables.own.has(root.name) ? RANKS.found : RANKS.outer
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

module.exports = { RANKS, calledBy, keepsOf }
