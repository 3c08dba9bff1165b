// Work in a handler of Hono.

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
const text = 'lorem ipsum '.repeat(1000)

/**
 * Counts pairs of positions with the same letter.
 * @param {string} letters
 */
function pairs(letters) {
  let count = 0
  for (let i = 0; i < letters.length; i++) for (let j = 0; j < 1000; j++) if (letters[i] === letters[j]) count++ // guilty
  return count
}

app.get('/pairs', context => context.json({ pairs: pairs(text) }))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 0) })
