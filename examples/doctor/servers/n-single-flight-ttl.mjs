// A cache of promises that expire, in an ES module.

import http from 'node:http'
import { connect } from 'slow-database'

const TTL = 200
const database = connect()
/** @type {Map<string, { answer: ReturnType<typeof database.query>, until: number }>} */
const entries = new Map()

/** @param {string} key */
function cached(key) {
  const entry = entries.get(key)
  if (entry !== undefined && entry.until > Date.now()) return entry.answer
  const answer = database.query(key)
  entries.set(key, { answer, until: Date.now() + TTL })
  answer.catch(() => entries.delete(key))
  return answer
}

const server = http.createServer(async (request, response) => {
  const { key } = await cached(request.url ?? '')
  response.end(key)
})
server.listen(Number(process.env.PORT ?? 0))
