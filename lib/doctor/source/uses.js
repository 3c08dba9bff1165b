'use strict'

// Finds the lines of a text that declare a container, add entries, and remove entries.

const { functionAt, functionsOf } = require('./functions')
const { indexOf } = require('./texts')

/**
 * @typedef {{ from: number, to: number }} Range
 *
 * Whether a function of the file that has run removes entries of the container. `bounded`: the file compares the number of entries with a
 * limit.
 * @typedef {'none' | 'some' | 'bounded' | 'unknown'} Removal
 *
 * @typedef {object} Uses
 * @property {number | undefined} declared line of the declaration
 * @property {{ line: number, column: number }[]} adds lines that add entries
 * @property {Removal} removal
 */

/** Lines that compare something with a limit, such as `maxEntries`. */
const LIMITS = /(?:max|limit|capacity|bound)\w*\)?\s*(?<!=)[<>]|(?<![=-])[<>]=?\s*[\w.#$]*(?:max|limit|capacity|bound)/i
const LOOP = /\bfor\s*\(/
/** Maximum length of a searched line. Longer lines are assumed to be generated. */
const MAX_LENGTH = 1000

/**
 * Returns the lines that use a container, or `undefined` if its name is neither a variable nor a property.
 * @param {string} text
 * @param {string} name such as `cache` or `Store.items`
 * @param {object} [more]
 * @param {number} [more.line] line of a function that uses the variable, or of the class; 0 if it is unknown
 * @param {boolean} [more.isAlias] whether the container has other names: an assignment to an alias does not remove entries
 * @param {boolean} [more.isCopy] whether the program replaces the container by larger copies
 * @param {readonly Range[]} [more.ran] functions that have run; empty if unknown
 * @returns {Uses | undefined}
 */
function usesOf(text, name, { line = 0, isAlias = false, isCopy = false, ran = [] } = {}) {
  const search = searchOf(name)
  if (search === undefined) return undefined
  const lines = codeLines(text)
  const matches = (/** @type {RegExp} */ pattern) =>
    lines.flatMap((text, index) => (pattern.test(text) ? [{ line: index + 1, column: text.search(pattern) + 1 }] : []))
  const copies = matches(search.copies)
  const isCopied = (/** @type {{ line: number }} */ { line }) => copies.some(copy => copy.line === line)
  const declared = nearest(
    matches(search.declares)
      .filter(it => !isCopied(it))
      .map(({ line }) => line),
    line,
    search.isProperty
  )
  const runs = runner(text, ran)
  const replaces = isAlias ? [] : matches(search.replaces).filter(it => it.line !== declared && !isCopied(it))
  const removes = [...matches(search.removes), ...replaces].filter(({ line, column }) =>
    runs(indexOf(text, line, column))
  )
  const removal = isBounded(lines, search) ? 'bounded' : removes.length === 0 ? 'none' : 'some'
  return { declared, adds: isCopy ? copies : matches(search.adds), removal }
}

/**
 * Returns a predicate that tests whether the code at an index has run. If that is unknown, the predicate returns true.
 * @param {string} text
 * @param {readonly Range[]} ran
 * @returns {(index: number) => boolean}
 */
function runner(text, ran) {
  const functions = functionsOf(text).filter(({ isInline }) => !isInline)
  const hasRun = (/** @type {Range} */ { from, to }) => ran.some(it => it.to === to && it.from <= from)
  // The text may not be the one that V8 ran.
  if (!functions.some(hasRun)) return () => true
  return index => {
    const around = functionAt(functions, index)
    return around === undefined || hasRun(around)
  }
}

/**
 * Returns whether a line compares the number of entries with a limit, or one line reads that number and another compares with a limit.
 * @param {readonly string[]} lines
 * @param {{ counts: RegExp, compares: RegExp }} search
 */
function isBounded(lines, { counts, compares }) {
  const checks = lines.filter(line => !LOOP.test(line))
  if (checks.some(line => compares.test(line))) return true
  return lines.some(line => counts.test(line)) && checks.some(line => LIMITS.test(line))
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
  // Matches the property of any object, since the file may use any name for the object.
  const it = isProperty ? `[\\w$)\\]]\\??\\.${id}` : `(?<![\\w$.#])${id}`
  const end = '(?![\\w$])'
  const key = `${it}${end}(?:\\??\\.)?\\[[^\\]]+\\]`
  // The whole container as a part of another one, rather than one of its entries or the result of its method.
  const whole = `[\\w$.#?]*${id}${end}(?!\\??[.([])`
  const count = `(?:${it}\\??\\.(?:size|length)\\b|Object\\.keys\\(\\s*[\\w$.]*${id}\\s*\\)(?:\\.length)?)`
  return {
    isProperty,
    declares: new RegExp(
      isProperty
        ? `(?:${it}${end}\\s*=(?!=))|(?:^\\s*(?:(?:static|readonly|private|protected|public)\\s+)*${id}${end}\\s*(?:[=:;,]|$))|(?:[{,]\\s*${id}\\s*:)`
        : `\\b(?:const|let|var)\\s(?:[^=]*,\\s*|[^=]*=.*,\\s*)?${id}${end}`
    ),
    adds: new RegExp(`${it}${end}\\??\\.(?:push|unshift|set|add|enqueue)\\b|${key}\\s*(?:\\?\\?|\\|\\|)?=(?![=>])`),
    removes: new RegExp(
      `${it}${end}\\??\\.(?:delete|clear|shift|pop|splice|dequeue)\\b|\\bdelete\\s+${it}${end}|${it}\\.length\\s*=(?!=)`
    ),
    replaces: new RegExp(`${it}${end}\\s*=(?![=>])`),
    copies: new RegExp(
      `(?<![\\w$])${id}\\s*(?:=(?![=>])|:)\\s*` +
        `(?:(?:new (?:Map|Set)\\(\\s*)?[[{].*\\.\\.\\.${whole}|Object\\.assign\\(\\s*\\{\\s*\\},\\s*${whole}|[\\w$.#?]*${id}\\.concat\\()` +
        '(?!.*\\.(?:slice|filter)\\()'
    ),
    counts: new RegExp(count),
    compares: new RegExp(`${count}\\s*[<>]=?\\s*(?!\\s|[01]\\b|=)|(?<![=-]|\\b[01]\\s*)[<>]=?\\s*${count}`)
  }
}

/**
 * Returns the line of the declaration: the last candidate before the function that uses the variable, or the first one in the class.
 * @param {number[]} lines candidates in ascending order
 * @param {number} line line of that function or class; 0 if it is unknown
 * @param {boolean} isProperty
 */
function nearest(lines, line, isProperty) {
  if (line === 0) return lines[0]
  const found = isProperty ? lines.find(it => it >= line) : lines.findLast(it => it <= line)
  return found ?? lines[0]
}

/** Returns the lines of a text, with comments and generated lines emptied. @param {string} text */
function codeLines(text) {
  return text.split('\n').map(line => (line.length > MAX_LENGTH || /^\s*(?:\/\/|\*|\/\*)/.test(line) ? '' : line))
}

module.exports = { usesOf }
