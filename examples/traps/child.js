'use strict'

// Child processes that answer requests. They end with their parent.

const { fork } = require('node:child_process')
const { basename } = require('node:path')

/** @type {Set<Child>} */
const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill()
})

class Child {
  #process
  /** @type {{ resolve: (answer: any) => void, reject: (error: Error) => void } | undefined} */
  #question

  /**
   * @param {string} file
   * @param {string[]} [args]
   * @param {NodeJS.ProcessEnv} [env]
   */
  constructor(file, args = [], env = process.env) {
    const name = [basename(file, '.js'), ...args.map(arg => basename(arg, '.js'))].join(' ')
    // The server counts warnings itself; they need not be printed.
    const execArgv = ['--expose-gc', '--no-warnings']
    this.#process = fork(file, args, { execArgv, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    running.add(this)
    this.#process.on('message', (/** @type {{ answer: unknown, error?: string }} */ { answer, error }) => {
      if (error === undefined) this.#question?.resolve(answer)
      else this.#question?.reject(new Error(`${name}: ${error}`))
    })
    /** Rejects when the process ends. @type {Promise<never>} */
    this.lost = new Promise((_, reject) => {
      this.#process.on('error', reject)
      this.#process.on('exit', (code, signal) => {
        running.delete(this)
        reject(new Error(`The process "${name}" ended too early (${signal ?? `exit code ${code}`})`))
      })
    })
    this.lost.catch(() => {})
  }

  /**
   * Asks one question at a time.
   * @param {string} question
   * @param {unknown} [argument]
   * @returns {Promise<any>}
   */
  ask(question, argument) {
    const answered = new Promise((resolve, reject) => {
      this.#question = { resolve, reject }
      this.#process.send({ question, argument }, error => error && reject(error))
    })
    return Promise.race([answered, this.lost])
  }

  kill() {
    this.#process.kill('SIGKILL')
  }

  async stop() {
    this.kill()
    await this.lost.catch(() => {})
  }
}

/**
 * Answers the parent's questions; called in the child.
 * @param {Record<string, (argument: any) => unknown>} answers
 */
function answer(answers) {
  process.on('disconnect', () => process.exit())
  process.on('message', async (/** @type {{ question: string, argument: unknown }} */ { question, argument }) => {
    try {
      process.send?.({ answer: await answers[question](argument) })
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.message : String(error) })
    }
  })
}

module.exports = { Child, answer }
