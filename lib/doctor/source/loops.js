'use strict'

// Finds the loops in which calls are awaited, and the functions around them, in the text that V8 ran.

const { isFunction, treeOf } = require('./syntax')

/**
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 * @typedef {import('../vendor/acorn').CallExpression} CallExpression
 *
 * A loop: `for`, `for of`, `for in`, `for await`, `while`, `do`, or `forEach` and `reduce` with an asynchronous function.
 * @typedef {{ kind: string, line: number }} Loop
 *
 * Context of a position. `loop`: innermost loop of the function around the position. `isAwaited`: whether an `await` in that loop contains
 * the position. `variables`: names that the loop declares. `source`: variable that the list of a `for of` is read from, such as
 * `plugin` in `plugin.hooks`. `outer`: context around the loop.
 * @typedef {{
 *   loop: Loop | undefined,
 *   isAwaited: boolean,
 *   variables: readonly string[],
 *   source?: string | undefined,
 *   outer?: Way
 * }} Way
 */

const OUTSIDE = /** @type {Way} */ ({ loop: undefined, isAwaited: false, variables: [] })
const LOOP = /^(?:For|ForIn|ForOf|While|DoWhile)Statement$/
/** Methods of arrays that count as loops if their callback awaits. */
const METHODS = new Set(['forEach', 'reduce', 'reduceRight'])

/**
 * Returns the loop that repeatedly awaits the call at a position, or `undefined`. Loops that call the functions of a list, such as hooks,
 * are left out: the fault is in those functions.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 * @returns {Loop | undefined}
 */
function awaitLoop(text, line, column) {
  let node = /** @type {AnyNode | undefined} */ (treeOf(text))
  let way = OUTSIDE
  for (const next of stepsTo(text, line, column)) {
    way = step(next.node, next.child, next.field, way)
    node = next.child
  }
  // The position of a suspended function is that of its `await`.
  const last = node?.type === 'AwaitExpression' ? step(node, node.argument, 'argument', way) : way
  return last.isAwaited ? last.loop : undefined
}

/**
 * Returns the positions of the functions around a position, innermost first.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 */
function functionsAround(text, line, column) {
  return stepsTo(text, line, column)
    .map(({ child }) => child)
    .filter(isFunction)
    .map(({ loc }) => `${loc?.start.line}:${loc?.start.column}`)
    .reverse()
}

/**
 * Returns whether the function around a position awaits the call there.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 */
function isAwaited(text, line, column) {
  const nodes = stepsTo(text, line, column).map(({ child }) => child)
  return nodes.slice(nodes.findLastIndex(isFunction) + 1).some(({ type }) => type === 'AwaitExpression')
}

/**
 * Returns the nodes from the root of the syntax tree to a position. Each has its child on that path, and the field that holds the child.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 */
function stepsTo(text, line, column) {
  const position = { line, column: column - 1 }
  /** @type {{ node: AnyNode, child: AnyNode, field: string }[]} */
  const steps = []
  let node = /** @type {AnyNode | undefined} */ (treeOf(text))
  while (node !== undefined) {
    const next = childAt(node, position)
    if (next !== undefined) steps.push({ node, ...next })
    node = next?.child
  }
  return steps
}

/**
 * Returns the position of the only statement of the loop that begins at a position, or `undefined`. V8 interrupts a loop at its head, but
 * the statement does the work.
 * @param {string} text
 * @param {number} line from 1
 * @param {number} column from 1
 * @returns {{ line: number, column: number } | undefined}
 */
function loopBody(text, line, column) {
  const position = { line, column: column - 1 }
  let node = /** @type {AnyNode | undefined} */ (treeOf(text))
  while (node !== undefined && !isLoopAt(node, position)) node = childAt(node, position)?.child
  if (node === undefined || !('body' in node)) return undefined
  let body = /** @type {AnyNode | AnyNode[] | null | undefined} */ (node.body)
  while (body && !Array.isArray(body) && body.type === 'BlockStatement')
    body = body.body.length === 1 ? body.body[0] : null
  if (!body || Array.isArray(body) || LOOP.test(body.type) || body.loc?.start.line === line) return undefined
  const { start } = /** @type {import('../vendor/acorn').SourceLocation} */ (body.loc)
  return { line: start.line, column: start.column + 1 }
}

/**
 * @param {AnyNode} node
 * @param {import('../vendor/acorn').Position} position
 */
function isLoopAt({ type, loc }, { line, column }) {
  return LOOP.test(type) && loc?.start.line === line && loc.start.column === column
}

/**
 * Returns the context within a child of a node.
 * @param {AnyNode} node
 * @param {AnyNode} child
 * @param {string} field of the node that holds the child
 * @param {Way} way context of the node
 * @returns {Way}
 */
function step(node, child, field, way) {
  switch (node.type) {
    case 'ForStatement':
      return field === 'init' ? way : inLoop(node, 'for', declared(node.init), way)
    case 'ForInStatement':
      return field === 'right' ? way : inLoop(node, 'for in', declared(node.left), way)
    case 'ForOfStatement':
      return inForOf(node, field, way)
    case 'WhileStatement':
      return inLoop(node, 'while', [], way)
    case 'DoWhileStatement':
      return inLoop(node, 'do', [], way)
    case 'ReturnStatement':
    case 'ThrowStatement':
      // This statement ends the loop, so it runs only once.
      return OUTSIDE
    case 'AwaitExpression':
      return awaiting(node, way)
    case 'CallExpression':
      return isFunction(child) ? inCallback(node, child, way) : way
    default:
      return isFunction(child) ? OUTSIDE : way
  }
}

/**
 * Returns the context within an `await`. A loop over a list of functions calls each function once, so the loop around it is the one that
 * repeats the calls, unless the outer loop only iterates over such lists.
 * @param {import('../vendor/acorn').AwaitExpression} node
 * @param {Way} way
 * @returns {Way}
 */
function awaiting({ argument }, way) {
  let root = argument.type === 'CallExpression' ? rootOf(argument.callee) : undefined
  let loop = way
  while (root !== undefined && loop.variables.includes(root) && loop.outer !== undefined) {
    root = loop.source
    loop = loop.outer
  }
  return loop.loop === undefined ? way : { ...loop, isAwaited: true }
}

/**
 * @param {AnyNode} node
 * @param {string} kind
 * @param {readonly string[]} variables
 * @param {Way} outer
 * @returns {Way}
 */
function inLoop(node, kind, variables, outer) {
  return { loop: { kind, line: node.loc?.start.line ?? 0 }, isAwaited: false, variables, outer }
}

/**
 * @param {import('../vendor/acorn').ForOfStatement} node
 * @param {string} field
 * @param {Way} way
 */
function inForOf(node, field, way) {
  if (!node.await)
    return field === 'right' ? way : { ...inLoop(node, 'for of', declared(node.left), way), source: rootOf(node.right) }
  const loop = inLoop(node, 'for await', declared(node.left), way)
  // A `for await` loop awaits the next value in its head.
  return field === 'body' ? loop : { ...loop, isAwaited: true }
}

/**
 * Returns the context within a callback. Callbacks of `reduce` may chain promises with `then` instead of `await`.
 * @param {CallExpression} call
 * @param {AnyNode} callback
 * @param {Way} way
 * @returns {Way}
 */
function inCallback(call, callback, way) {
  const { callee } = call
  const method = callee.type === 'MemberExpression' && callee.property.type === 'Identifier' ? callee.property.name : ''
  if (METHODS.has(method)) return inLoop(call, method === 'forEach' ? 'forEach' : 'reduce', [], OUTSIDE)
  if (method === 'then' && way.loop?.kind === 'reduce') return { ...way, isAwaited: true }
  return callback === callee ? way : OUTSIDE
}

/**
 * Returns the name of the variable that an expression such as `hook` or `plugin.hooks` starts with.
 * @param {AnyNode} node
 */
function rootOf(node) {
  let root = node
  while (root.type === 'MemberExpression') root = root.object
  return root.type === 'Identifier' ? root.name : undefined
}

/**
 * Returns the names that the head of a loop declares.
 * @param {AnyNode | null | undefined} node
 * @returns {string[]}
 */
function declared(node) {
  if (node === null || node === undefined) return []
  if (node.type === 'Identifier') return [node.name]
  if (node.type === 'VariableDeclaration') return node.declarations.flatMap(({ id }) => declared(id))
  if (node.type === 'ArrayPattern') return node.elements.flatMap(declared)
  if (node.type === 'ObjectPattern')
    return node.properties.flatMap(it => declared(it.type === 'Property' ? it.value : it))
  if (node.type === 'RestElement') return declared(node.argument)
  return node.type === 'AssignmentPattern' ? declared(node.left) : []
}

/**
 * Returns the child of a node that contains a position, and the field that holds the child.
 * @param {AnyNode} node
 * @param {import('../vendor/acorn').Position} position
 * @returns {{ child: AnyNode, field: string } | undefined}
 */
function childAt(node, position) {
  for (const [field, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string' && contains(child, position)) return { child, field }
    }
  }
  return undefined
}

/**
 * @param {AnyNode} node
 * @param {import('../vendor/acorn').Position} position
 */
function contains({ loc }, position) {
  return loc !== null && loc !== undefined && !isBefore(position, loc.start) && isBefore(position, loc.end)
}

/**
 * @param {import('../vendor/acorn').Position} one
 * @param {import('../vendor/acorn').Position} other
 */
function isBefore(one, other) {
  return one.line < other.line || (one.line === other.line && one.column < other.column)
}

module.exports = { awaitLoop, functionsAround, isAwaited, loopBody }
