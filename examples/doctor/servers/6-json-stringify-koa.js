'use strict'

// A large value is written as JSON in a handler of Koa.

const Koa = require('koa')

const rows = Array.from({ length: 60_000 }, (_, id) => ({
  id,
  name: `row ${id}`,
  tags: ['a', 'b', 'c'],
  at: { x: id, y: -id },
  changed: new Date(id * 1000)
}))
const app = new Koa()

function exportRows() {
  return JSON.stringify(rows) // guilty
}

app.use(context => {
  context.body = { length: exportRows().length }
})

app.listen(Number(process.env.PORT ?? 0))
