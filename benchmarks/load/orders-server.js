'use strict'

// An HTTP server whose handler awaits a database in another process, and then works for about a millisecond, with JSON and Maps.

const { connect } = require('../../examples/doctor/node_modules/slow-database')
const { serve } = require('./measured-server.js')

const CUSTOMERS = 97
const SESSIONS = 1000
const USERS = 5000
/** The orders of a user, as a database returns them. */
const ORDERS = JSON.stringify(
  Array.from({ length: 1250 }, (_, order) => ({
    order,
    customer: `customer ${(order * 7919) % CUSTOMERS}`,
    note: `to be delivered on day ${order % 28}`,
    lines: [1, 2].map(line => ({
      sku: `sku-${(order * line) % 50}`,
      quantity: line + (order % 7),
      price: order * 1.25
    }))
  }))
)

const database = connect()
/** Sessions of the last users. @type {Map<string, { user: string, seen: number }>} */
const sessions = new Map()
let requests = 0

/** @param {string} user */
function sessionOf(user) {
  const known = sessions.get(user)
  if (known !== undefined) return known
  const session = { user, seen: 0 }
  sessions.set(user, session)
  if (sessions.size > SESSIONS) sessions.delete(/** @type {string} */ (sessions.keys().next().value))
  return session
}

/** Returns the totals of the customers, and the quantities of the articles. @param {string} text */
function summary(text) {
  /** @type {Map<string, number>} */
  const totals = new Map()
  /** @type {Map<string, number>} */
  const quantities = new Map()
  for (const { customer, lines } of JSON.parse(text)) {
    for (const { sku, quantity, price } of lines) {
      totals.set(customer, (totals.get(customer) ?? 0) + quantity * price)
      quantities.set(sku, (quantities.get(sku) ?? 0) + quantity)
    }
  }
  return { totals: [...totals], quantities: [...quantities] }
}

async function respond() {
  const id = requests++
  const session = sessionOf(`user ${(id * 7919) % USERS}`)
  session.seen++
  const { rows } = await database.query(`orders:${id}`)
  return JSON.stringify({ user: session.user, rows, ...summary(ORDERS), currency: 'EUR' })
}

serve(async response => response.end(await respond()))
