'use strict'

// A history as a linked list: there is no container, and V8 inlines the function that adds.

const http = require('node:http')

/** @typedef {{ change: object, before: Entry | undefined }} Entry */

class History {
  /** @type {Entry | undefined} */
  #last
  length = 0

  /** @param {object} change */
  commit(change) {
    this.length++
    this.#last = { change, before: this.#last } // guilty
  }
}

const history = new History()

const server = http.createServer((request, response) => {
  history.commit({ path: request.url, values: Array.from({ length: 30 }, Math.random) })
  setTimeout(() => response.end(String(history.length)), 2)
})
server.listen(Number(process.env.PORT ?? 0))
