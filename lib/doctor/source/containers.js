'use strict'

// Finds containers that grew between two heap snapshots, and the lines that declare them, add entries and remove entries.

const { isUserFile } = require('../../watch/frames')
const { pathOf } = require('../urls')
const { functionAt, functionsOf } = require('./functions')
const { keepersOf } = require('./keepers')
const { indexOf, textOf: readFile } = require('./texts')
const { usesOf } = require('./uses')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').ContainerFact} ContainerFact
 * @typedef {import('../facts').RanFact} RanFact
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../../native/binding').ContainerGrowth} ContainerGrowth
 * @typedef {import('./texts').Read} Read
 * @typedef {import('./uses').Removal} Removal
 *
 * A container with the lines that add entries, sorted by live allocations. `areKeepers`: whether these are lines of the text that V8 ran
 * rather than of the file. `heap`: sizes of the heap at the snapshots.
 * @typedef {ContainerFact & { adds: FactFrame[], areKeepers?: boolean, removal: Removal, heap: number[] }} LocatedContainer
 *
 * Facts of the thread whose snapshots are compared. `ran`: functions that have run.
 * @typedef {{ allocations?: readonly AllocationFact[], ran?: readonly RanFact[], textOf?: Read }} Thread
 */

const MAX_LINES = 8
/** Suffix of the names of containers that are entries of another container. */
const ENTRY = '[…]'
/** Folder of this package, whose containers do not belong to the program. */
const PACKAGE = typeof __dirname === 'string' ? __dirname.slice(0, -'doctor/source'.length) : undefined

/**
 * Compares two heap snapshots of a thread.
 * @param {string} before path of a file
 * @param {string} after
 * @param {Thread} [thread]
 * @returns {Promise<LocatedContainer[]>}
 */
async function containersOf(before, after, thread) {
  // Loaded here, so that the command line can report its absence.
  const native = require('../../native')
  const grown = await native.compareSnapshots(before, after)
  const ofProgram = grown
    .map(growth => ({ ...growth, file: pathOf(growth.file) }))
    .filter(({ file }) => file === '' || isOfProgram(file))
  return joined(ofProgram).map(growth => locate(growth, thread))
}

/**
 * Joins containers with the same name, such as those of all instances of a class, and sorts them by growth in bytes.
 * @param {readonly ContainerGrowth[]} growths
 */
function joined(growths) {
  /** @type {Map<string, ContainerGrowth>} */
  const byName = new Map()
  for (const growth of growths) {
    const key = `${growth.name === '' ? growth.path : growth.name} ${growth.kind} ${growth.file}`
    const known = byName.get(key)
    byName.set(key, known === undefined ? growth : { ...known, ...added(known, growth) })
  }
  const more = (/** @type {ContainerGrowth} */ { bytes: [before, after] }) => after - before
  return [...byName.values()].sort((one, other) => more(other) - more(one))
}

/**
 * @param {ContainerGrowth} one
 * @param {ContainerGrowth} other
 */
function added(one, other) {
  return {
    entries: one.entries.map((count, index) => count + other.entries[index]),
    bytes: one.bytes.map((count, index) => count + other.bytes[index])
  }
}

/**
 * @param {Omit<ContainerGrowth, 'isCopy'> & { isCopy?: boolean }} growth
 * @param {Thread} [thread]
 * @returns {LocatedContainer}
 */
function locate({ kind, name, path, file, line, isCopy = false, entries, bytes, heap }, thread = {}) {
  const { allocations = [], ran = [], textOf = readFile } = thread
  const isCompiled = (/** @type {string} */ path) => textOf(path) !== readFile(path)
  const hasRun = (/** @type {string} */ path) => (isCompiled(path) ? [] : ofFile(ran, path))
  const fact = { kind, name, path, entries, bytes, heap }
  // The search for uses goes line by line, but compilers join lines.
  const text = readFile(file)
  // `byUser[…]` are containers in `byUser`, which the source declares.
  const isEntry = name.endsWith(ENTRY)
  const outer = isEntry ? name.slice(0, name.indexOf(ENTRY)) : name
  const uses =
    text === undefined
      ? undefined
      : usesOf(text, outer, { line: isCompiled(file) ? 0 : line, isCopy, ran: hasRun(file) })
  if (text === undefined || uses === undefined) return { ...fact, adds: [], removal: 'unknown' }
  const position = uses.declared === undefined ? {} : { declared: { file, line: uses.declared } }
  const own = isEntry ? [] : byAllocations(addingFrames(text, file, uses.adds, allocations), allocations)
  if (own.length > 0) return { ...fact, ...position, adds: own.slice(0, MAX_LINES), removal: uses.removal }
  // The lines that add entries use another name for the container.
  const keepers = keepersOf(allocations, { kind, name: lastPart(outer), isCopy }, file, textOf).slice(0, MAX_LINES)
  const removal = isEntry ? removalOf(uses.removal, keepers[0], hasRun) : uses.removal
  return { ...fact, ...position, adds: keepers.map(({ frame }) => frame), areKeepers: true, removal }
}

/**
 * @param {string} text
 * @param {string} file
 * @param {readonly { line: number, column: number }[]} positions
 * @param {readonly AllocationFact[]} allocations
 * @returns {FactFrame[]}
 */
function addingFrames(text, file, positions, allocations) {
  const functions = functionsOf(text)
  return positions.map(({ line, column }) => {
    const around = functionAt(functions, indexOf(text, line, column)) ?? lastBefore(allocations, file, line)
    const name = around?.name ?? '<anonymous>'
    return { name, file, line, column, isAsync: false, isUser: isUserFile(file) }
  })
}

/**
 * Returns whether entries of inner containers are removed, alone or together with an inner container.
 * @param {Removal} outer removal of inner containers from the outer one
 * @param {import('./keepers').Keeper | undefined} keeper line that adds to inner containers
 * @param {(file: string) => readonly RanFact[]} hasRun
 * @returns {Removal}
 */
function removalOf(outer, keeper, hasRun) {
  const text = keeper && readFile(keeper.frame.file)
  if (keeper === undefined || text === undefined) return 'unknown'
  const inner = usesOf(text, keeper.name, { isAlias: true, ran: hasRun(keeper.frame.file) })
  return inner === undefined || inner.removal === 'none' ? outer : inner.removal
}

/** Returns the last part of a name such as `Store.items`. @param {string} name */
function lastPart(name) {
  return name.slice(name.lastIndexOf('.') + 1)
}

/**
 * @param {readonly RanFact[]} ran
 * @param {string} path
 */
function ofFile(ran, path) {
  return ran.filter(({ file }) => file === path)
}

/**
 * Sorts adding lines by the live bytes that their functions and callees allocated.
 * @param {FactFrame[]} adds
 * @param {readonly AllocationFact[]} allocations
 */
function byAllocations(adds, allocations) {
  const weights = new Map(
    adds.map(add => {
      const within = allocations.filter(({ frames }) =>
        frames.some(({ file, name }) => file === add.file && name === add.name)
      )
      return [add, within.reduce((sum, { before, after }) => sum + after - before, 0)]
    })
  )
  return adds.sort((one, other) => (weights.get(other) ?? 0) - (weights.get(one) ?? 0))
}

/**
 * Returns the last allocating function before a line, for texts that cannot be parsed.
 * @param {readonly AllocationFact[]} allocations
 * @param {string} path
 * @param {number} end
 */
function lastBefore(allocations, path, end) {
  const before = allocations.flatMap(({ frames }) => frames.filter(({ file, line }) => file === path && line <= end))
  return before.sort((one, other) => other.line - one.line)[0]
}

/** @param {string} file */
function isOfProgram(file) {
  return !file.startsWith('node:') && (PACKAGE === undefined || !file.startsWith(PACKAGE))
}

module.exports = { containersOf, joined, locate }
