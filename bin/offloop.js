#!/usr/bin/env node
'use strict'

require('../lib/doctor/cli').main(process.argv.slice(2))
