// A race in the private map of a class, in an ES module.

import http from 'node:http'
import { connect } from 'slow-database'

const database = connect()

class Profiles {
  #profiles = new Map()

  /** @param {string} name */
  async find(name) {
    const found = this.#profiles.get(name)
    if (found !== undefined) return found
    const profile = { name, ...(await database.query(`profile:${name}`)) }
    this.#profiles.set(name, profile) // guilty
    return profile
  }

  /** @param {string} name */
  forget(name) {
    this.#profiles.delete(name)
  }
}

const profiles = new Profiles()
let requests = 0

const server = http.createServer(async (request, response) => {
  const name = request.url ?? ''
  if (++requests % 100 === 0) profiles.forget(name)
  const profile = await profiles.find(name)
  response.end(profile.name)
})
server.listen(Number(process.env.PORT ?? 0))
