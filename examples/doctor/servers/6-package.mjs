// Work in a function of a package: the guilty line is the program's call.

import http from 'node:http'
import { render } from 'slow-template'

const ITEMS = 300
const template = Array.from({ length: ITEMS }, (_, item) => `<li>${'\n'.repeat(250)}{{ item${item} }}</li>\n`).join('')
const values = Object.fromEntries(Array.from({ length: ITEMS }, (_, item) => [`item${item}`, `<${item}>`]))

function renderPage() {
  return render(template, values) // guilty
}

const server = http.createServer((_request, response) => {
  response.end(renderPage().slice(0, 1000))
})
server.listen(Number(process.env.PORT ?? 0))
