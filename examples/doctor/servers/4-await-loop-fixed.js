'use strict'

// The loop of 4-await-loop.js, one for all requests, which yields to them every few milliseconds.

const http = require('node:http')
const { setImmediate: yieldToLoop } = require('node:timers/promises')

const BUDGET = 5
const USERS = Array.from({ length: 3000 }, (_, index) => ({ name: `user${index}`, email: `u${index}@example.com` }))

/** @param {{ name: string, email: string }} user */
async function heavyValidation(user) {
  let score = 0
  for (let step = 0; step < 6000; step++) score += Math.sqrt(step + user.name.length)
  return score > 0 && user.email.includes('@')
}

/** @param {typeof USERS} users */
async function processUsers(users) {
  let valid = 0
  let began = performance.now()
  for (const user of users) {
    if (await heavyValidation(user)) valid++
    if (performance.now() - began < BUDGET) continue
    await yieldToLoop()
    began = performance.now()
  }
  return valid
}

/** @type {Promise<number> | undefined} */
let current

const server = http.createServer(async (_request, response) => {
  current ??= processUsers(USERS).finally(() => {
    current = undefined
  })
  response.end(String(await current))
})
server.listen(Number(process.env.PORT ?? 0))
