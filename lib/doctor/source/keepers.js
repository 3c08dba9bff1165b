'use strict'

// Finds the lines that keep the values allocated on a stack. The profiler of allocations knows functions, not lines.

const { functionAt, functionsOf } = require('./functions')
const { importsOf } = require('./imports')
const { RANKS, calledBy, keepsOf } = require('./keeps')
const { indexOf } = require('./texts')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./functions').FunctionRange} FunctionRange
 * @typedef {import('./keeps').Keep} Keep
 * @typedef {import('./texts').Read} Read
 *
 * @typedef {{ frame: FactFrame, name: string }} Keeper `name` is that of the container or variable
 *
 * A container: its kind, and the last part of its name, or of the name of the container that contains it. `isCopy`: whether the program
 * replaces the container by larger copies.
 * @typedef {{ kind: Keep['kind'], name: string, isCopy?: boolean }} Wanted
 */

/** Depth to which calls are followed in the file of a function of a stack, since the stack lacks functions that V8 inlined. */
const DEPTH = 2

/**
 * Returns the line that keeps the allocated values. The line is in the innermost function of the program that keeps values, or in
 * a function of the same file or of an imported one that it calls. An assignment that replaces a variable counts only if no other line
 * keeps values.
 * @param {readonly FactFrame[]} frames positions of functions, innermost first
 * @param {Read} textOf
 * @param {Wanted} [wanted] container to which the line must add
 * @returns {Keeper | undefined}
 */
function keeperOf(frames, textOf, wanted) {
  for (const rank of ranksOf(wanted)) {
    for (const frame of frames) {
      const keeper = frame.isUser ? keeperAt(frame, textOf, wanted, rank) : undefined
      if (keeper !== undefined) return keeper
    }
  }
  return undefined
}

/** Returns the maximum ranks of the lines that are searched, one after the other. @param {Wanted | undefined} wanted */
function ranksOf(wanted) {
  if (wanted === undefined) return [RANKS.found, RANKS.replaced]
  return [wanted.isCopy ? RANKS.replaced : RANKS.argument]
}

/**
 * Returns the lines that add to a container, sorted by the live bytes that they keep. Without allocations, returns the lines of the given
 * file.
 * @param {readonly AllocationFact[]} allocations
 * @param {Wanted} wanted
 * @param {string} file
 * @param {Read} textOf
 * @returns {Keeper[]}
 */
function keepersOf(allocations, wanted, file, textOf) {
  const live = (/** @type {AllocationFact} */ { before, after }) => after - before
  /** @type {Map<string, Keeper>} */
  const keepers = new Map()
  for (const { frames } of [...allocations].sort((one, other) => live(other) - live(one))) {
    const keeper = keeperOf(frames, textOf, wanted)
    if (keeper === undefined) continue
    const { file, line, column } = keeper.frame
    const key = `${file}:${line}:${column}`
    if (!keepers.has(key)) keepers.set(key, keeper)
  }
  if (keepers.size > 0) return [...keepers.values()]
  const text = textOf(file)
  return text === undefined ? [] : keepersIn(functionsOf(text), text, file, wanted, RANKS.argument)
}

/**
 * @param {FactFrame} frame
 * @param {Read} textOf
 * @param {Wanted | undefined} wanted
 * @param {number} rank maximum rank of the line
 * @returns {Keeper | undefined}
 */
function keeperAt({ file, line, column }, textOf, wanted, rank) {
  const text = textOf(file)
  if (text === undefined) return undefined
  const functions = functionsOf(text)
  const around = functionAt(functions, indexOf(text, line, column))
  const called = new Set()
  for (let level = 0, calls = around ? [around] : []; level <= DEPTH && calls.length > 0; level++) {
    const [keeper] = keepersIn(calls, text, file, wanted, rank)
    if (keeper !== undefined) return keeper
    const names = new Set(calls.flatMap(calledBy))
    for (const name of names) called.add(name)
    calls = functions.filter(({ name }) => names.has(name))
  }
  for (const imported of called.size === 0 ? [] : importsOf(text, file)) {
    const source = textOf(imported) ?? ''
    const calls = functionsOf(source).filter(({ name }) => called.has(name))
    const [keeper] = keepersIn(calls, source, imported, wanted, rank)
    if (keeper !== undefined) return keeper
  }
  return undefined
}

/**
 * Returns the lines of functions that keep values. Lines that contain the name of the container come first, then lines whose function
 * contains that name.
 * @param {readonly FunctionRange[]} functions
 * @param {string} text
 * @param {string} file
 * @param {Wanted | undefined} wanted
 * @param {number} rank maximum rank of the lines
 * @returns {Keeper[]}
 */
function keepersIn(functions, text, file, wanted, rank) {
  const lines = text.split('\n')
  const found = functions.flatMap(around => {
    const body = text.slice(around.from, around.to)
    return keepsOf(around).flatMap(keep => {
      if (keep.rank > rank || (wanted !== undefined && !fits(keep, wanted))) return []
      const { line, column, name } = keep
      const frame = { name: around.name, file, line, column, isAsync: false, isUser: true }
      const near = [lines[line - 1], body].findIndex(it => wanted !== undefined && it.includes(wanted.name))
      return [{ keeper: { frame, name }, distance: near === -1 ? 2 : near }]
    })
  })
  return found.sort((one, other) => one.distance - other.distance).map(({ keeper }) => keeper)
}

/**
 * Returns whether a line may add to a container. An assignment to `x[key]` may add a property of an object or an element of an array,
 * unless it assigns only a missing value.
 * @param {Keep} keep
 * @param {Wanted} wanted
 */
function fits(keep, { kind, isCopy }) {
  if (isCopy) return keep.kind === 'Variable' || keep.kind === 'Object'
  if (keep.kind === 'Table') return kind === 'Object'
  return keep.kind === kind || keep.kind === 'other' || (keep.kind === 'Object' && kind === 'Array')
}

module.exports = { keeperOf, keepersOf }
