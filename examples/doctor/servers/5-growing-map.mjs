// Sessions that are never deleted, by an id that is new for each visitor.

import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { connect } from 'slow-database'

const database = connect()

class SessionStore {
  /** @type {Map<string, object>} */
  #sessions = new Map()

  /** @param {object} session */
  open(session) {
    const id = randomUUID()
    this.#sessions.set(id, session) // guilty
    return id
  }
}

const store = new SessionStore()

const server = http.createServer(async (request, response) => {
  const id = randomUUID()
  const user = await database.query(`user:${id}`)
  const history = Array.from({ length: 100 }, (_, step) => ({ step, path: `/page/${step}` }))
  const session = store.open({ user, history, agent: request.headers['user-agent'] })
  response.end(session)
})
server.listen(Number(process.env.PORT ?? 0))
