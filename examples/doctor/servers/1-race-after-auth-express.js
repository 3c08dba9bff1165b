'use strict'

// A race behind a middleware that awaits: requests reach the map in separate iterations of the event loop.

const express = require('express')
const { connect } = require('slow-database')

const database = connect()
const quotas = new Map()
const app = express()
let requests = 0

app.use(async (_request, _response, next) => {
  await database.query(`token:${requests++}`)
  next()
})

app.get('/quota/:team', async (request, response) => {
  response.json(await quotaOf(request.params.team))
})

/** @param {string} team */
async function quotaOf(team) {
  const known = quotas.get(team)
  if (known !== undefined) return known
  const { rows } = await database.query(`quota:${team}`)
  const quota = { team, left: rows.length }
  quotas.set(team, quota) // guilty
  return quota
}

setInterval(() => quotas.clear(), 250)

app.listen(Number(process.env.PORT ?? 0))
