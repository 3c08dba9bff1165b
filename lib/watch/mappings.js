'use strict'

// Looks up positions in a source map (ECMA-426). The mappings are scanned once, without an object for each: `SourceMap` of
// `node:module` holds the event loop ten times as long, and keeps 18 MB for each MB of a map.

/**
 * A position in a compiled file. Lines and columns begin at 0.
 * @typedef {{ line: number, column: number }} Position
 *
 * A position in a source, where one in a compiled file comes from.
 * @typedef {{ source: string, line: number, column: number }} Origin
 *
 * @typedef {object} Section
 * @property {Position} offset
 * @property {PlainMap} map
 *
 * @typedef {{ sourceRoot?: string | null, sources: string[], mappings: string }} PlainMap
 * @typedef {PlainMap | { sections: Section[] }} SourceMap
 */

const COMMA = 0x2c
const SEMICOLON = 0x3b
const SCHEME = /^[a-z][a-z0-9+.-]*:/i

/** Values of the digits of base 64, by their codes. */
const DIGITS = new Int8Array(128).fill(-1)
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  DIGITS[digit.charCodeAt(0)] = value
}

/**
 * Returns the origin of each position, or `undefined` for those without one.
 * @param {SourceMap} map
 * @param {readonly Position[]} positions
 * @returns {(Origin | undefined)[]}
 */
function originsOf(map, positions) {
  return 'sections' in map ? originsInSections(map.sections, positions) : originsInMap(map, positions)
}

/**
 * @param {Section[]} sections in the order of their offsets
 * @param {readonly Position[]} positions
 */
function originsInSections(sections, positions) {
  const section = positions.map(position => sections.findLast(({ offset }) => compare(position, offset) >= 0))
  /** @type {(Origin | undefined)[]} */
  const origins = new Array(positions.length).fill(undefined)
  for (const one of new Set(section)) {
    if (one === undefined) continue
    const { offset, map } = one
    const indexes = [...positions.keys()].filter(index => section[index] === one)
    const relative = indexes.map(index => {
      const { line, column } = positions[index]
      return { line: line - offset.line, column: line === offset.line ? column - offset.column : column }
    })
    for (const [at, origin] of originsInMap(map, relative).entries()) origins[indexes[at]] = origin
  }
  return origins
}

/**
 * @param {PlainMap} map
 * @param {readonly Position[]} positions
 * @returns {(Origin | undefined)[]}
 */
function originsInMap({ sourceRoot, sources, mappings }, positions) {
  /** @type {(Origin | undefined)[]} */
  const origins = new Array(positions.length).fill(undefined)
  const order = [...positions.keys()].sort((a, b) => compare(positions[a], positions[b]))
  let next = 0

  /**
   * Gives a mapping to the positions of its line that are before a column. Returns the line of the next position.
   * @param {number} end
   * @param {number} line
   * @param {number} source -1 without a source
   * @param {number} sourceLine
   * @param {number} sourceColumn
   */
  const give = (end, line, source, sourceLine, sourceColumn) => {
    for (; next < order.length; next++) {
      const position = positions[order[next]]
      if (position.line !== line || position.column >= end) return position.line
      if (typeof sources[source] !== 'string') continue
      origins[order[next]] = {
        source: withRoot(sourceRoot ?? '', sources[source]),
        line: sourceLine,
        column: sourceColumn
      }
    }
    return Infinity
  }

  // The sums of the fields, which are relative to those of earlier mappings.
  const sums = [0, 0, 0, 0, 0]
  let field = 0
  let value = 0
  let shift = 0
  // The last mapping.
  let line = 0
  let source = -1
  let sourceLine = 0
  let sourceColumn = 0
  let wanted = give(0, -1, source, sourceLine, sourceColumn)
  for (let index = 0; index <= mappings.length && wanted !== Infinity; index++) {
    const code = index === mappings.length ? SEMICOLON : mappings.charCodeAt(index)
    if (code !== COMMA && code !== SEMICOLON) {
      const digit = DIGITS[code]
      if (!(digit >= 0)) {
        const received = JSON.stringify(mappings[index])
        throw new SyntaxError(`The mappings must be Base64 VLQ. Received ${received} at index ${index}`)
      }
      value |= (digit & 31) << shift
      shift += 5
      if (digit & 32) continue
      sums[field++] += value & 1 ? -(value >>> 1) : value >>> 1
      value = shift = 0
      continue
    }
    if (field > 0) {
      if (line === wanted) wanted = give(sums[0], line, source, sourceLine, sourceColumn)
      source = field >= 4 ? sums[1] : -1
      sourceLine = sums[2]
      sourceColumn = sums[3]
      field = 0
    }
    if (code === COMMA) continue
    if (line === wanted) wanted = give(Infinity, line, source, sourceLine, sourceColumn)
    line++
    sums[0] = 0
    source = -1
  }
  return origins
}

/**
 * @param {Position} one
 * @param {Position} other
 */
function compare(one, other) {
  return one.line - other.line || one.column - other.column
}

/**
 * Returns a source with the root of its map, which does not apply to URLs and absolute paths.
 * @param {string} root
 * @param {string} source
 */
function withRoot(root, source) {
  if (root === '' || source.startsWith('/') || isUrl(source)) return source
  return root.endsWith('/') ? root + source : `${root}/${source}`
}

/** @param {string} source */
function isUrl(source) {
  return SCHEME.test(source)
}

module.exports = { isUrl, originsOf }
