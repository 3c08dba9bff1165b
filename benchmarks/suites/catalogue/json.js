'use strict'

// JSON in slices on the event loop and off it, compared with V8's own.

const { deepStrictEqual, equal } = require('node:assert')
const { default: Ajv } = require('ajv')
const { Pool, transforms } = require('../../../index.js')
const { browsers, cities } = require('../../data/documents.js')
const { measureStop, measureThroughput, throughputMeasures, timeMeasures } = require('../../harness/measure-stop.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {{ name: string, what: string, text: () => string }} Document
 */

const RECORDS = 160_000
const VALIDATED = 50_000

/** @type {Document[]} */
const DOCUMENTS = [
  { name: 'records', what: '32 MB of records', text: () => JSON.stringify(records()) },
  { name: 'cities', what: '17 MB of cities', text: () => Buffer.from(cities()).toString() },
  { name: 'browsers', what: '20 MB of deeply nested browser data', text: () => Buffer.from(browsers()).toString() }
]

/**
 * Shapes that cost more or less than records.
 * @type {Document[]}
 */
const SHAPES = [
  { name: 'map', what: 'a map of 150,000 records', text: () => JSON.stringify(map(150_000, record)) },
  { name: 'map-of-numbers', what: 'a map of 150,000 numbers', text: () => JSON.stringify(map(150_000, Math.sin)) },
  { name: 'floats', what: '16 MB of floats', text: () => JSON.stringify(list(850_000, Math.sin)) },
  {
    name: 'integers',
    what: '15 MB of integers',
    text: () => JSON.stringify(list(2_200_000, id => (id * 7919) % 1_000_003))
  },
  {
    name: 'short-lists',
    what: '15 MB of short lists',
    text: () => JSON.stringify(list(1_000_000, id => [id, id % 7, id % 1000]))
  },
  { name: 'nested', what: '100 values of 1,000 levels', text: () => JSON.stringify(list(100, () => nested(1000))) },
  {
    name: 'long-strings',
    what: '16 MB of long strings',
    text: () => JSON.stringify(list(80, id => `"lorem ipsum" ${id}\n`.repeat(10_000)))
  },
  {
    name: 'wide',
    what: '9 MB of two-byte text',
    text: () => JSON.stringify(list(50_000, id => ({ id, text: 'Привет, мир. 漢字 '.repeat(10) })))
  }
]

/** Number of small documents, of about 200 bytes. */
const SMALL_DOCUMENTS = 50_000
const SMALL = [
  { name: 'parse-small', what: 'bytes', input: (/** @type {string} */ text) => Buffer.from(text) },
  { name: 'parse-small-text', what: 'text', input: (/** @type {string} */ text) => text }
]

function records() {
  return list(RECORDS, record)
}

/**
 * @param {number} length
 * @param {(index: number) => unknown} make
 */
function list(length, make) {
  return Array.from({ length }, (_, index) => make(index))
}

/**
 * @param {number} length
 * @param {(index: number) => unknown} make
 */
function map(length, make) {
  return Object.fromEntries(Array.from({ length }, (_, index) => [`key-${index}`, make(index)]))
}

/** @param {number} depth */
function nested(depth) {
  /** @type {unknown} */
  let value = 1
  for (let level = 0; level < depth; level++) value = level % 2 ? [value, level] : { value, level }
  return value
}

/** @param {number} id */
function record(id) {
  return {
    id,
    name: `user ${id}`,
    email: `user${id}@example.com`,
    active: id % 2 === 0,
    score: Math.sin(id) * 1000,
    tags: ['a', 'b', `t${id % 100}`],
    address: { street: `${id} Main St`, city: 'Springfield', zip: String(10_000 + (id % 90_000)) }
  }
}

/**
 * @param {number} threads
 * @param {Record<string, (pool: Pool) => unknown>} contenders by name
 * @param {(work: () => unknown) => Promise<import('../../harness/case.js').Sample>} [round]
 */
function open(threads, contenders, round = measureStop) {
  const pool = new Pool({ threads })
  return Object.entries(contenders).map(([name, work], index) => ({
    name,
    round: () => round(() => work(pool)),
    close: index === 0 ? () => pool.close() : undefined
  }))
}

/**
 * @param {Document} document
 * @returns {Case}
 */
function parse({ name, what, text: make }) {
  const transform = transforms.json.parse()
  return {
    name: `parse-${name}`,
    what: `json.parse of ${what}`,
    reference: 'JSON.parse of text',
    measures: timeMeasures({ of: 'ratio', atMost: 1.2 }, 8),
    async open(threads) {
      const text = make()
      const bytes = Buffer.from(text)
      const pool = new Pool({ threads })
      deepStrictEqual(await pool.run(transform, bytes), JSON.parse(text))
      await pool.close()
      return open(threads, {
        offloop: pool => pool.run(transform, bytes),
        'offloop, of text': pool => pool.run(transform, text),
        'JSON.parse of text': () => JSON.parse(text),
        'JSON.parse of bytes': () => JSON.parse(bytes.toString())
      })
    }
  }
}

/**
 * @param {Document} document
 * @returns {Case}
 */
function stringify({ name, what, text: make }) {
  const transform = transforms.json.stringify()
  return {
    name: `stringify-${name}`,
    what: `json.stringify of ${what}`,
    reference: 'JSON.stringify',
    measures: timeMeasures({ of: 'ratio', atMost: 1.2 }, 8),
    async open(threads) {
      const value = JSON.parse(make())
      const pool = new Pool({ threads })
      equal(String(await pool.run(transform, value)), JSON.stringify(value))
      await pool.close()
      return open(threads, {
        offloop: pool => pool.run(transform, value),
        'JSON.stringify': () => JSON.stringify(value),
        'JSON.stringify to bytes': () => Buffer.from(JSON.stringify(value))
      })
    }
  }
}

/**
 * @param {Document} shape
 * @returns {Case}
 */
function parseShape({ name, what, text: make }) {
  const transform = transforms.json.parse()
  return {
    name: `parse-${name}`,
    what: `json.parse of ${what}`,
    reference: 'JSON.parse',
    measures: timeMeasures({ of: 'ratio', atMost: 1.2 }, 8),
    open(threads) {
      const text = make()
      const bytes = Buffer.from(text)
      return open(threads, {
        offloop: pool => pool.run(transform, bytes),
        'JSON.parse': () => JSON.parse(text)
      })
    }
  }
}

/**
 * @param {Document} shape
 * @returns {Case}
 */
function stringifyShape({ name, what, text: make }) {
  const transform = transforms.json.stringify()
  return {
    name: `stringify-${name}`,
    what: `json.stringify of ${what}`,
    reference: 'JSON.stringify',
    measures: timeMeasures({ of: 'ratio', atMost: 1.2 }, 8),
    open(threads) {
      const value = JSON.parse(make())
      return open(threads, {
        offloop: pool => pool.run(transform, value),
        'JSON.stringify': () => JSON.stringify(value)
      })
    }
  }
}

/**
 * Both contenders get the same inputs.
 * @param {{ name: string, what: string, input: (text: string) => string | Buffer }} inputs
 * @returns {Case}
 */
function parseSmall({ name, what, input }) {
  const transform = transforms.json.parse()
  return {
    name,
    what: `json.parse of 50,000 small documents, as ${what}, with map`,
    reference: 'a loop of JSON.parse',
    measures: timeMeasures({ of: 'ratio', atMost: 1.2 }, 8),
    open(threads) {
      const inputs = Array.from({ length: SMALL_DOCUMENTS }, (_, id) => input(JSON.stringify(record(id))))
      return open(threads, {
        offloop: pool => pool.map(transform, inputs),
        'a loop of JSON.parse': () => inputs.map(input => JSON.parse(input.toString()))
      })
    }
  }
}

/** @returns {Case} */
function validateEach() {
  const number = { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' }
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 60 },
      country: { type: 'string', pattern: '^[A-Z]{2}$' },
      lat: number,
      lng: number,
      admin1: { type: 'string', pattern: '^[0-9A-Z]{1,3}$' }
    },
    required: ['name', 'country', 'lat', 'lng', 'admin1']
  }
  const transform = transforms.json.validateEach(schema)
  return {
    name: 'validate-each',
    what: 'json.validateEach of 50,000 cities as bytes',
    reference: 'JSON.parse and ajv',
    measures: throughputMeasures({ of: 'ratio', atLeast: 2 }, 8),
    async open(threads) {
      const bytes = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(cities()).toString()).slice(0, VALIDATED)))
      const isValid = new Ajv().compile(schema)
      const count = () => JSON.parse(bytes.toString()).filter((/** @type {unknown} */ city) => !isValid(city)).length
      const pool = new Pool({ threads })
      equal((await pool.run(transform, bytes)).invalid, count())
      await pool.close()
      const contenders = {
        offloop: (/** @type {Pool} */ pool) => pool.run(transform, bytes),
        'JSON.parse and ajv': count
      }
      return open(threads, contenders, work => measureThroughput(bytes.length, work))
    }
  }
}

/** @returns {Case} */
function select() {
  const transform = transforms.json.select('$.css.properties.color.__compat.mdn_url')
  const access = (/** @type {any} */ data) => data.css.properties.color.__compat.mdn_url
  return {
    name: 'select',
    what: 'json.select of one field of 20 MB, as bytes',
    reference: 'JSON.parse and access',
    measures: throughputMeasures({ of: 'ratio', atLeast: 2 }, 8),
    async open(threads) {
      const bytes = Buffer.from(browsers())
      const text = bytes.toString()
      const pool = new Pool({ threads })
      deepStrictEqual(await pool.run(transform, bytes), [access(JSON.parse(text))])
      await pool.close()
      const contenders = {
        offloop: (/** @type {Pool} */ pool) => pool.run(transform, bytes),
        'JSON.parse and access': () => access(JSON.parse(text))
      }
      return open(threads, contenders, work => measureThroughput(bytes.length, work))
    }
  }
}

module.exports = {
  cases: [
    ...DOCUMENTS.map(parse),
    ...SHAPES.map(parseShape),
    ...SMALL.map(parseSmall),
    ...DOCUMENTS.map(stringify),
    ...SHAPES.map(stringifyShape),
    validateEach(),
    select()
  ]
}
