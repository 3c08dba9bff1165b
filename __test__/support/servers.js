'use strict'

const fastify = require('fastify')

/** @typedef {import('fastify').FastifyInstance} FastifyInstance */

/**
 * A Fastify server that is closed when the test is over, whatever became of it.
 * @param {import('node:test').TestContext} t
 * @returns {FastifyInstance}
 */
function server(t) {
  const app = fastify()
  t.after(() => app.close())
  return app
}

/**
 * Listens, and asks over HTTP.
 * @param {FastifyInstance} app
 * @returns {Promise<(path: string, init?: RequestInit) => Promise<Response>>}
 */
async function listen(app) {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  // A connection of its own for each: none is kept that the server would have to close.
  return (path, init = {}) => fetch(address + path, { ...init, headers: { connection: 'close', ...init.headers } })
}

module.exports = { listen, server }
