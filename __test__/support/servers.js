'use strict'

const fastify = require('fastify')

/** @typedef {import('fastify').FastifyInstance} FastifyInstance */

/**
 * Creates a Fastify server that is closed after the test.
 * @param {import('node:test').TestContext} t
 * @returns {FastifyInstance}
 */
function server(t) {
  const app = fastify()
  t.after(() => app.close())
  return app
}

/**
 * Starts the server; returns a function that sends requests to it.
 * @param {FastifyInstance} app
 * @returns {Promise<(path: string, init?: RequestInit) => Promise<Response>>}
 */
async function listen(app) {
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  // One connection per request, so that the server has no idle ones to close.
  return (path, init = {}) => fetch(address + path, { ...init, headers: { connection: 'close', ...init.headers } })
}

module.exports = { listen, server }
