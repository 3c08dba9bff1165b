// A healthy server in TypeScript whose types Node.js strips.

import { createServer } from 'node:http'

interface Greeting {
  text: string
  at: number
}

function greet(name: string): Greeting {
  return { text: `hello ${name}`, at: Date.now() }
}

const server = createServer((request, response) => {
  response.end(JSON.stringify(greet(request.url ?? '')))
})
server.listen(Number(process.env.PORT ?? 0))
