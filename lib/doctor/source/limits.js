'use strict'

const { childrenOf, treeOf } = require('./syntax')

/** @typedef {import('../vendor/acorn').AnyNode} AnyNode */

/** Names of classes, and of their options, that limit the number of entries. */
const CLASSES = /LRU|Lru[A-Z]|TTLCache|RingBuffer/
const OPTIONS = /^(?:max\w*|limit|capacity|size|ttl)$/

/**
 * Returns whether a text initializes a variable or property with an object that limits its own size, such as `new LRUCache({ max: 100 })`.
 * @param {string} text
 * @param {string} name of the variable or property
 */
function isLimited(text, name) {
  const tree = treeOf(text)
  const open = tree === undefined ? [] : [/** @type {AnyNode} */ (tree)]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (initializes(node, name)) return true
    open.push(...childrenOf(node))
  }
  return false
}

/**
 * @param {AnyNode} node
 * @param {string} name
 */
function initializes(node, name) {
  switch (node.type) {
    case 'VariableDeclarator':
      return isNamed(node.id, name) && isLimit(node.init)
    case 'PropertyDefinition':
      return isNamed(node.key, name) && isLimit(node.value)
    case 'AssignmentExpression':
      return isNamed(node.left, name) && isLimit(node.right)
    default:
      return false
  }
}

/**
 * @param {AnyNode} node
 * @param {string} name
 * @returns {boolean}
 */
function isNamed(node, name) {
  if (node.type === 'MemberExpression') return !node.computed && isNamed(node.property, name)
  if (node.type === 'PrivateIdentifier') return `#${node.name}` === name
  return node.type === 'Identifier' && node.name === name
}

/** @param {AnyNode | null | undefined} node */
function isLimit(node) {
  if (node?.type !== 'NewExpression') return false
  const { callee } = node
  const name = callee.type === 'MemberExpression' ? callee.property : callee
  if (name.type === 'Identifier' && CLASSES.test(name.name)) return true
  return node.arguments.some(
    it =>
      it.type === 'ObjectExpression' &&
      it.properties.some(
        property =>
          property.type === 'Property' && property.key.type === 'Identifier' && OPTIONS.test(property.key.name)
      )
  )
}

module.exports = { isLimited }
