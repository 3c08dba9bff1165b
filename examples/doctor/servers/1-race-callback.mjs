// A race whose loads continue in callbacks, and the calls that they make: one finding.

import http from 'node:http'
import { start } from 'slow-service'

const service = await start()
const tokens = new Map()

setInterval(() => {
  const now = Date.now()
  for (const [tenant, { expires }] of tokens) if (expires < now) tokens.delete(tenant)
}, 20).unref()

/** @param {string} tenant */
function tokenOf(tenant) {
  const known = tokens.get(tenant)
  if (known !== undefined) return Promise.resolve(known)
  return fetch(`${service}/token${tenant}`)
    .then(response => response.text())
    .then(text => {
      const token = { value: text, expires: Date.now() + 100 }
      tokens.set(tenant, token) // guilty
      return token
    })
}

const server = http.createServer((request, response) => {
  tokenOf(request.url ?? '').then(
    token => response.end(token.value),
    error => response.writeHead(502).end(error.message)
  )
})
server.listen(Number(process.env.PORT ?? 0))
