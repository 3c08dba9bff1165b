'use strict'

// A value like that of 6-json-stringify-koa.js, written in slices.

const Koa = require('koa')
const { pool, transforms } = require('offloop')

const rows = Array.from({ length: 2000 }, (_, id) => ({
  id,
  name: `row ${id}`,
  tags: ['a', 'b', 'c'],
  at: { x: id, y: -id }
}))
const stringify = transforms.json.stringify()
const app = new Koa()

app.use(async context => {
  context.body = await pool.run(stringify, rows)
})

app.listen(Number(process.env.PORT ?? 0))
