'use strict'

// Finds the lines at which the functions of a CPU profile spend their time, in the text that V8 ran.

const { isUserFile } = require('../../watch/frames')
const { functionAt, functionsOf } = require('./functions')
const { childrenOf, isFunction } = require('./syntax')
const { indexOf } = require('./texts')

/**
 * @typedef {import('../facts').ProfileNode} ProfileNode
 * @typedef {import('../vendor/acorn').AnyNode} AnyNode
 * @typedef {import('./texts').Read} Read
 * @typedef {{ line: number, column: number }} Position
 */

/** Maximum length of a line whose beginning stands for the line. Longer lines are assumed to be generated. */
const MAX_LENGTH = 250
/** Minimum time of a position that stands for its function, and share of the time with known positions. */
const LEAST_TIME = 50
const LEAST_SHARE = 0.5
/** Minimum share of the time of a function that has known positions. With less, V8 knew them only until it optimized the function. */
const KNOWN = 0.25

/**
 * Adds, to each function of the program, the position that takes most of its time: a line, or the call of a native function.
 * @param {readonly ProfileNode[]} nodes
 * @param {Read} textOf
 */
function addWork(nodes, textOf) {
  const byId = new Map(nodes.map(node => [node.id, node]))
  /** Time of each function, with its positions. @type {Map<ProfileNode, { time: number, positions: [Position, number][] }>} */
  const functions = new Map()
  for (const leaf of nodes.filter(({ self }) => self > 0)) {
    const { caller, callee } = callOf(leaf, byId)
    const text = caller === undefined ? undefined : textOf(caller.file)
    if (caller === undefined || text === undefined) continue
    const known = functions.get(caller) ?? { time: 0, positions: [] }
    functions.set(caller, known)
    known.time += leaf.self
    known.positions.push(
      ...(callee === undefined ? linesOf(text, leaf) : callsOf(text, caller, callee.name, leaf.self))
    )
  }
  for (const [node, { time, positions }] of functions) {
    const position = mostOf(positions, time)
    if (position !== undefined) node.work = position
  }
}

/**
 * Returns the innermost function of the program around a node, and the function that it calls on the way to the node.
 * @param {ProfileNode} leaf
 * @param {ReadonlyMap<number, ProfileNode>} byId
 */
function callOf(leaf, byId) {
  let callee
  let caller = /** @type {ProfileNode | undefined} */ (leaf)
  while (caller !== undefined && !isUserFile(caller.file)) {
    callee = caller
    caller = byId.get(caller.parent)
  }
  return { caller, callee }
}

/**
 * @param {readonly [Position, number][]} positions with their times
 * @param {number} total time of the function, some of which has no position
 * @returns {Position | undefined}
 */
function mostOf(positions, total) {
  /** @type {Map<string, { position: Position, time: number }>} */
  const times = new Map()
  for (const [position, time] of positions) {
    const key = `${position.line}:${position.column}`
    times.set(key, { position, time: time + (times.get(key)?.time ?? 0) })
  }
  const known = positions.reduce((sum, [, time]) => sum + time, 0)
  if (known < total * KNOWN) return undefined
  const least = Math.max(LEAST_TIME, known * LEAST_SHARE)
  return [...times.values()].find(({ time }) => time >= least)?.position
}

/**
 * Returns the lines at which a function computes. V8 knows those of some samples only.
 * @param {string} text
 * @param {ProfileNode} node
 * @returns {[Position, number][]}
 */
function linesOf(text, { lines = {} }) {
  return Object.entries(lines).flatMap(([line, time]) => {
    const position = startOf(text, Number(line))
    return position === undefined ? [] : [[position, time]]
  })
}

/**
 * Returns the position of the first character of a line.
 * @param {string} text
 * @param {number} line
 * @returns {Position | undefined}
 */
function startOf(text, line) {
  const begin = indexOf(text, line, 1)
  const end = text.indexOf('\n', begin)
  const content = text.slice(begin, end === -1 ? undefined : end)
  return content.length > MAX_LENGTH ? undefined : { line, column: content.search(/\S|$/) + 1 }
}

/**
 * Returns the first call of a name in a function, with the time of the call.
 * @param {string} text
 * @param {Position} position in the function
 * @param {string} name
 * @param {number} time
 * @returns {[Position, number][]}
 */
function callsOf(text, position, name, time) {
  const call = firstCall(text, position, it => it === name)
  return call === undefined ? [] : [[call, time]]
}

/**
 * Returns the first call of a function that the text does not define.
 * @param {string} text
 * @param {Position} position in the calling function
 */
function nativeCall(text, position) {
  const names = new Set(functionsOf(text).map(({ name }) => name))
  return firstCall(text, position, name => !names.has(name))
}

/**
 * Returns the position of the first call in a function whose name is accepted.
 * @param {string} text
 * @param {Position} position in the function
 * @param {(name: string) => boolean} accepts
 * @returns {Position | undefined}
 */
function firstCall(text, { line, column }, accepts) {
  const within = functionAt(functionsOf(text), indexOf(text, line, column))
  const open = within === undefined ? [] : childrenOf(within.node).reverse()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const name = node.type === 'CallExpression' ? nameOf(node.callee) : undefined
    if (name !== undefined && node.loc && accepts(name)) {
      return { line: node.loc.start.line, column: node.loc.start.column + 1 }
    }
    if (isFunction(node)) continue
    for (const child of childrenOf(node).reverse()) open.push(child)
  }
  return undefined
}

/**
 * @param {AnyNode | undefined} callee
 * @returns {string | undefined}
 */
function nameOf(callee) {
  // Compilers write `(0, module.name)()`.
  if (callee?.type === 'SequenceExpression') return nameOf(callee.expressions.at(-1))
  if (callee?.type === 'Identifier') return callee.name
  return callee?.type === 'MemberExpression' && callee.property.type === 'Identifier' ? callee.property.name : undefined
}

module.exports = { addWork, nativeCall }
