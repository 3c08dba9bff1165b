'use strict'

// A race in shared async state: 200 clients log in as the same user, and each `await` lets the next one past `has`.

const { Cache } = require('offloop')
const { Accounts } = require('./accounts')

/** @typedef {import('./traps').Handler} Handler */

const USERS = 8
const BURST = 200

/** @type {Accounts} */
let accounts
let logins = 0

/** @param {number} user */
const load = user => accounts.profile(user)

const map = new Map()

/**
 * Every request before the first `set` misses and queries the database: the same work is done 200 times, and blocks all
 * other requests.
 * @type {Handler}
 */
async function naive(request, response) {
  const id = find(request)
  if (!map.has(id)) map.set(id, await load(id))
  send(response, map.get(id))
  map.delete(opposite(id))
}

const cache = new Cache({ max: 10_000, load })

/**
 * The first request loads, the others wait for the same promise.
 * @type {Handler}
 */
async function offloop(request, response) {
  const id = find(request)
  send(response, await cache.get(id))
  cache.delete(opposite(id))
}

/** @param {import('./traps').Request} request */
function find({ url = '' }) {
  logins++
  return Number(url.slice('/login/'.length))
}

/**
 * Returns the user whose next burst is farthest away. Their session is ended, so that the burst misses again.
 * @param {number} user
 */
function opposite(user) {
  return (user + USERS / 2) % USERS
}

/**
 * @param {import('./traps').Response} response
 * @param {unknown} profile
 */
function send(response, profile) {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(profile))
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 1,
  name: 'stampede',
  title: `a race in shared async state: bursts of ${BURST} logins of one user, sessions ended in between`,
  paths: Array.from({ length: USERS }, (_, user) => `/login/${user}`),
  connections: BURST,
  prepare(directory) {
    accounts = new Accounts(directory)
  },
  naive,
  offloop,
  open: body => JSON.parse(body.toString()),
  rows: () => [
    { name: 'logins', value: logins },
    { name: 'database queries', value: accounts.queries },
    { name: `queries for ${BURST} logins`, value: (accounts.queries / logins) * BURST, better: 'less' }
  ]
}
