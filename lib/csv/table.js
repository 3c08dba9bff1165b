'use strict'

const { inspect } = require('node:util')
const { withCode } = require('../internal/errors')
const { completionPort } = require('../native/completion-port')
const { invalidThis, formatValue } = require('../internal/validate')

/** Approximate bytes of a column's text that are decoded together: a string cut out of a larger one keeps that in memory. */
const PIECE_BYTES = 4096
/** Columns that an error message lists. */
const MAX_NAMED = 20

/**
 * A column as native code describes it (src/transform/csv/table.rs): its name, its type, and where its sections begin.
 * @typedef {[name: string, type: 'number' | 'boolean', at: number]} NumberColumn
 * @typedef {[name: string, type: 'string', text: number, length: number, ends: number, nulls: number, nullsLength: number]} StringColumn
 * @typedef {{ rows: number, columns: (NumberColumn | StringColumn)[] }} TableHeader
 * @typedef {(string | null)[] | Float64Array | Uint8Array} Column
 */

/** A table of typed columns, which are views of the result's memory; strings are decoded when a column is read. */
class CsvTable {
  /** @type {ArrayBuffer} */
  #memory
  /** Offset of the sections. */
  #base
  #headers
  /** @type {Map<string, number>} */
  #indexes = new Map()
  /** @type {Map<number, Column>} */
  #decoded = new Map()

  /** @param {Buffer} bytes */
  constructor(bytes) {
    // Views must be aligned to eight bytes.
    const own = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    const [length] = new Uint32Array(own.buffer, own.byteOffset, 1)
    /** @type {TableHeader} */
    const { rows, columns } = JSON.parse(bytes.toString('utf8', 4, 4 + length))
    this.#memory = /** @type {ArrayBuffer} */ (own.buffer)
    this.#base = own.byteOffset + Math.ceil((4 + length) / 8) * 8
    this.#headers = columns
    this.columns = columns.map(([name]) => name)
    this.columns.forEach((name, index) => {
      this.#indexes.set(name, index)
    })
    this.rows = rows
    /**
     * An own property: `structuredClone` rejects functions, while a clone of the rest would have no columns.
     * @param {string} name
     * @returns {Column}
     */
    this.column = name => this.#column(name)
  }

  /** @param {string} name */
  #column(name) {
    const index = this.#indexes.get(name)
    if (index === undefined) throw unknownColumn(name, this.columns)
    let column = this.#decoded.get(index)
    if (column === undefined) {
      column = this.#decode(this.#headers[index])
      this.#decoded.set(index, column)
    }
    return column
  }

  /**
   * @param {NumberColumn | StringColumn} header
   * @returns {Column}
   */
  #decode(header) {
    const [, type, at] = header
    if (type === 'number') return new Float64Array(this.#memory, this.#base + at, this.rows)
    if (type === 'boolean') return new Uint8Array(this.#memory, this.#base + at, this.rows)
    const strings = this.#strings(/** @type {StringColumn} */ (header))
    /** @type {(string | null)[]} */
    const column = []
    for (let row = 0; row < this.rows; row++) column.push(strings.get(row))
    return column
  }

  /** @param {StringColumn} header */
  #strings([, , text, length, ends, nulls, nullsLength]) {
    const memory = this.#memory
    return new ColumnStrings(
      Buffer.from(memory, this.#base + text, length),
      new Uint32Array(memory, this.#base + ends, this.rows),
      new Uint8Array(memory, this.#base + nulls, nullsLength)
    )
  }

  /**
   * Returns a function that reads a field of a column; reading the rows in order is fastest.
   * @param {NumberColumn | StringColumn} header
   * @returns {(row: number) => unknown}
   */
  #reader(header) {
    const [name, type] = header
    if (type === 'string') {
      const strings = this.#strings(header)
      return row => strings.get(row)
    }
    const column = /** @type {Float64Array | Uint8Array} */ (this.#column(name))
    return type === 'number' ? row => column[row] : row => column[row] === 1
  }

  /**
   * @param {unknown} value
   * @returns {value is CsvTable}
   */
  static #is(value) {
    return typeof value === 'object' && value !== null && #memory in value
  }

  toJSON() {
    if (!CsvTable.#is(this)) throw invalidThis('CsvTable', this)
    return [...this]
  }

  /** @returns {Generator<Record<string, unknown>, void, undefined>} */
  [Symbol.iterator]() {
    if (!CsvTable.#is(this)) throw invalidThis('CsvTable', this)
    return this.#iterateRows()
  }

  /** @returns {Generator<Record<string, unknown>, void, undefined>} */
  *#iterateRows() {
    const { rows } = this
    const names = this.#headers.map(([name]) => name)
    const readers = this.#headers.map(header => this.#reader(header))
    for (let row = 0; row < rows; row++) {
      /** @type {Record<string, unknown>} */
      const object = {}
      for (let index = 0; index < names.length; index++) setProperty(object, names[index], readers[index](row))
      yield object
    }
  }
}

/** The strings of a column; reading them in order is fastest. */
class ColumnStrings {
  #text
  #ends
  #nulls
  /** Byte range of the decoded piece, and its text unless a character needs several bytes. */
  #from = 0
  #to = 0
  /** @type {string | undefined} */
  #piece

  /**
   * @param {Buffer} text
   * @param {Uint32Array} ends
   * @param {Uint8Array} nulls
   */
  constructor(text, ends, nulls) {
    this.#text = text
    this.#ends = ends
    this.#nulls = nulls
  }

  /** @param {number} row */
  get(row) {
    const start = row === 0 ? 0 : this.#ends[row - 1]
    const end = this.#ends[row]
    if (start === end) return (this.#nulls[row >> 3] >> (row & 7)) & 1 ? null : ''
    if (start < this.#from || end > this.#to) this.#decode(row, start)
    return this.#piece?.slice(start - this.#from, end - this.#from) ?? this.#text.toString('utf8', start, end)
  }

  /**
   * @param {number} row
   * @param {number} start offset of its text
   */
  #decode(row, start) {
    const ends = this.#ends
    let last = row
    while (last + 1 < ends.length && ends[last + 1] - start <= PIECE_BYTES) last++
    this.#from = start
    this.#to = ends[last]
    const piece = last === row ? undefined : this.#text.toString('utf8', start, this.#to)
    this.#piece = piece?.length === this.#to - start ? piece : undefined
  }
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} name
 * @param {unknown} value
 */
function setProperty(object, name, value) {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * @param {unknown} name
 * @param {string[]} columns
 */
function unknownColumn(name, columns) {
  const there = columns.slice(0, MAX_NAMED).map(it => inspect(it))
  if (columns.length > MAX_NAMED) there.push('…')
  const message = `The argument 'name' must be one of the columns ${there.join(', ')}. Received ${formatValue(name)}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

completionPort.registerDecoder('table', bytes => new CsvTable(bytes))

module.exports = { CsvTable }
