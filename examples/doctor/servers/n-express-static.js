'use strict'

// Express serves a file.

const express = require('express')

const app = express()

app.get('/readme', (_request, response) => {
  response.sendFile('README.md', { root: `${__dirname}/..` })
})

app.listen(Number(process.env.PORT ?? 0))
