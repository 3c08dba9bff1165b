'use strict'

// A loop that awaits CPU work, record by record: an import that validates 50,000 cities.

const { default: Ajv } = require('ajv')
const { pool, transforms } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

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

/** Request bodies: 5 MB of JSON each. */
const imports = pages(3, 50_000).map(cities => Buffer.from(JSON.stringify(cities)))

/** Maximum failing records in a response. */
const MAX_REPORTED = 100

const isValid = new Ajv().compile(schema)

/**
 * Despite every `await` it never yields to other requests: `check` works synchronously before it returns its promise,
 * and awaiting a settled promise takes only a microtask. Parsing and validating all records blocks the loop once, for the
 * whole time.
 * @type {Handler}
 */
async function naive(request, response) {
  const cities = JSON.parse(String(find(request)))
  const bad = []
  for (const [index, city] of cities.entries()) if (!(await check(city))) bad.push(index)
  response.end(JSON.stringify({ total: cities.length, invalid: bad.length, first: bad.slice(0, MAX_REPORTED) }))
}

/** @param {unknown} city */
async function check(city) {
  return isValid(city)
}

const validate = transforms.json.validateEach(schema, { maxErrors: MAX_REPORTED })

/**
 * All threads share the records, which never become JavaScript objects: only the verdict does.
 * @type {Handler}
 */
async function offloop(request, response) {
  const { total, invalid, failures } = await pool.run(validate, find(request))
  response.end(JSON.stringify({ total, invalid, first: failures.map(({ index }) => index) }))
}

/** @param {import('./traps').Request} request */
function find({ url = '' }) {
  return imports[Number(url.slice('/imports/'.length))]
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 4,
  name: 'await-loop',
  title: 'a sequential await loop over CPU work: 50,000 records, each validated',
  paths: imports.map((_, index) => `/imports/${index}`),
  naive,
  offloop,
  open: body => JSON.parse(String(body))
}
