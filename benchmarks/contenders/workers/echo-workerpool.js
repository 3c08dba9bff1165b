'use strict'

const { worker } = require('workerpool')

worker({ work: require('./echo.js') })
