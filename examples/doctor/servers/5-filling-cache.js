'use strict'

// A cache with a limit, which fills while requests for new ids come in, and is then as large as intended.

const http = require('node:http')
const { LRUCache } = require('lru-cache')
const { connect } = require('slow-database')

const database = connect()
/** @type {LRUCache<number, object>} */
const pages = new LRUCache({ max: 4000 })
let requests = 0

/** @param {number} id */
async function pageOf(id) {
  const known = pages.get(id)
  if (known !== undefined) return known
  const { rows } = await database.query(`page:${id}`)
  const page = { id, rows, lines: Array.from({ length: 50 }, (_, line) => ({ line, text: `line ${line} of ${id}` })) }
  pages.set(id, page)
  return page
}

const server = http.createServer(async (_request, response) => {
  const page = await pageOf(requests++)
  response.end(JSON.stringify(page))
})
server.listen(Number(process.env.PORT ?? 0))
