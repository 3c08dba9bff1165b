'use strict'

// A while loop that awaits CPU work, in a route of Fastify.

const { fastify } = require('fastify')

const app = fastify()
const BOOK = Array.from({ length: 400 }, (_, chapter) => `chapter ${chapter}: ${'a word and another '.repeat(400)}`)

/** @param {string} text */
async function countWords(text) {
  const words = new Map()
  for (const word of text.split(' ')) words.set(word, (words.get(word) ?? 0) + 1)
  return words.size
}

/** @param {string[]} chapters */
async function index(chapters) {
  const open = [...chapters]
  let words = 0
  while (open.length > 0) {
    words += await countWords(String(open.pop())) // guilty
  }
  return { words }
}

app.get('/index', () => index(BOOK))

app.listen({ port: Number(process.env.PORT ?? 0) })
