'use strict'

// Finds containers that grew between two heap snapshots, and the lines that declare them, add entries and remove entries.

const { readFileSync, statSync } = require('node:fs')
const { isAbsolute } = require('node:path')
const { fileURLToPath } = require('node:url')
const native = require('../../native')
const { isUserFile } = require('../../watch/frames')
const { functionAt, functionsOf } = require('./functions')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').ContainerFact} ContainerFact
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../../native/binding').ContainerGrowth} ContainerGrowth
 *
 * Whether the file that declares a container also removes entries. `bounded`: the file also reads their number.
 * @typedef {'none' | 'some' | 'bounded' | 'unknown'} Removal
 *
 * A container with the lines that add entries, those with the most live allocations first. `heap`: sizes of the heap.
 * @typedef {ContainerFact & { adds: FactFrame[], removal: Removal, heap: number[] }} LocatedContainer
 */

/** Maximum size of a searched file: larger files are generated. */
const MAX_TEXT = 4 << 20
const MAX_LINES = 8
/** Maximum length of a searched line: longer lines are generated. */
const MAX_LENGTH = 1000
/** Suffix of the name of a container in another container. */
const ENTRY = '[…]'
/** Folder of this package, whose containers are not the program's. */
const PACKAGE = typeof __dirname === 'string' ? __dirname.slice(0, -'doctor/source'.length) : undefined

/**
 * Compares two heap snapshots of a thread.
 * @param {string} before path of a file
 * @param {string} after
 * @param {readonly AllocationFact[]} [allocations] of the same thread
 * @returns {Promise<LocatedContainer[]>}
 */
async function containersOf(before, after, allocations = []) {
  const grown = await native.compareSnapshots(before, after)
  const ofProgram = grown
    .map(growth => ({ ...growth, file: pathOf(growth.file) }))
    .filter(({ file }) => file === '' || isOfProgram(file))
  return joined(ofProgram).map(growth => locate(growth, allocations))
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
 * @param {ContainerGrowth} growth
 * @param {readonly AllocationFact[]} allocations
 * @returns {LocatedContainer}
 */
function locate({ kind, name, path, file, line, entries, bytes, heap }, allocations) {
  const fact = { kind, name, path, entries, bytes, heap }
  const text = textOf(file)
  // For `byUser[…]` the source declares `byUser`, but the containers in it grow.
  const isEntry = name.endsWith(ENTRY)
  const search = searchOf(isEntry ? name.slice(0, name.indexOf(ENTRY)) : name)
  if (text === undefined || search === undefined) return { ...fact, adds: [], removal: 'unknown' }
  const lines = codeLines(text)
  const matches = (/** @type {RegExp} */ pattern) =>
    lines.flatMap((text, index) => (pattern.test(text) ? [index + 1] : []))
  const declared = nearest(matches(search.declares), line, search.isProperty)
  const position = declared === undefined ? {} : { declared: { file, line: declared } }
  if (isEntry) return { ...fact, ...position, adds: [], removal: 'unknown' }
  const removes = matches(search.removes).filter(line => line !== declared)
  const removal = removes.length === 0 ? 'none' : matches(search.counts).length === 0 ? 'some' : 'bounded'
  const functions = functionsOf(text)
  const adds = matches(search.adds).map(line => {
    const column = lines[line - 1].search(search.adds) + 1
    const around = functionAt(functions, indexOf(text, line) + column) ?? lastBefore(allocations, file, line)
    const name = around?.name ?? '<anonymous>'
    return { name, file, line, column, isAsync: false, isUser: isUserFile(file) }
  })
  return {
    ...fact,
    ...position,
    adds: byAllocations(adds, allocations).slice(0, MAX_LINES),
    removal
  }
}

/**
 * Sorts adding lines by the live bytes that their functions allocated, callees included.
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
 * Returns patterns for the lines that use a container, or `undefined` if its name is neither a variable nor a property.
 * @param {string} name such as `cache` or `Store.items`
 */
function searchOf(name) {
  const [, holder, own] = /^(.*\.)?(#?[\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(name) ?? []
  if (own === undefined) return undefined
  const id = own.replace(/[$#]/g, '\\$&')
  const isProperty = holder !== undefined
  // The property of any object in the file matches.
  const it = isProperty ? `[\\w$)\\]]\\??\\.${id}` : `(?<![\\w$.#])${id}`
  const end = '(?![\\w$])'
  const key = `${it}${end}(?:\\??\\.)?\\[[^\\]]+\\]`
  return {
    isProperty,
    declares: new RegExp(
      isProperty
        ? `(?:${it}${end}\\s*=(?!=))|(?:^\\s*(?:(?:static|readonly|private|protected|public)\\s+)*${id}${end}\\s*(?:[=:;,]|$))|(?:[{,]\\s*${id}\\s*:)`
        : `\\b(?:const|let|var)\\s(?:[^=]*,\\s*|[^=]*=.*,\\s*)?${id}${end}`
    ),
    adds: new RegExp(`${it}${end}\\??\\.(?:push|unshift|set|add|enqueue)\\b|${key}\\s*(?:\\?\\?|\\|\\|)?=(?![=>])`),
    removes: new RegExp(
      `${it}${end}\\??\\.(?:delete|clear|shift|pop|splice|dequeue)\\b|\\bdelete\\s+${it}${end}|${it}\\.length\\s*=(?!=)|${it}${end}\\s*=(?![=>])`
    ),
    counts: new RegExp(`${it}\\.(?:size|length)\\b|Object\\.keys\\(\\s*[\\w$.]*${id}\\s*\\)`)
  }
}

/**
 * Returns the line of a declaration: the last one before the function that uses the variable, or the first one in the class.
 * @param {number[]} lines in ascending order
 * @param {number} line of that function or class, 0 if it is unknown
 * @param {boolean} isProperty
 */
function nearest(lines, line, isProperty) {
  if (line === 0) return lines[0]
  const found = isProperty ? lines.find(it => it >= line) : lines.findLast(it => it <= line)
  return found ?? lines[0]
}

/**
 * Returns the index of the first character of a line.
 * @param {string} text
 * @param {number} line from 1
 */
function indexOf(text, line) {
  let index = 0
  for (let before = 1; before < line; before++) index = text.indexOf('\n', index) + 1
  return index
}

/**
 * Returns the last allocating function before a line, for texts that are not JavaScript.
 * @param {readonly AllocationFact[]} allocations
 * @param {string} path
 * @param {number} end
 */
function lastBefore(allocations, path, end) {
  const before = allocations.flatMap(({ frames }) => frames.filter(({ file, line }) => file === path && line <= end))
  return before.sort((one, other) => other.line - one.line)[0]
}

/** Returns the lines of a text, with comments and generated lines emptied. @param {string} text */
function codeLines(text) {
  return text.split('\n').map(line => (line.length > MAX_LENGTH || /^\s*(?:\/\/|\*|\/\*)/.test(line) ? '' : line))
}

/** @param {string} file */
function isOfProgram(file) {
  return !file.startsWith('node:') && (PACKAGE === undefined || !file.startsWith(PACKAGE))
}

/** @param {string} file */
function textOf(file) {
  try {
    if (!isAbsolute(file) || statSync(file).size > MAX_TEXT) return undefined
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** @param {string} url */
function pathOf(url) {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}

module.exports = { containersOf, joined, locate }
