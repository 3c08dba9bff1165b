'use strict'

// t4: a loop that awaits CPU work never yields, since each promise is already settled.

const http = require('node:http')

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
  for (const user of users) {
    if (await heavyValidation(user)) valid++ // guilty
  }
  return valid
}

const server = http.createServer(async (_request, response) => {
  response.end(String(await processUsers(USERS)))
})
server.listen(Number(process.env.PORT ?? 0))
