// autocannon ships no types. These are for the parts used here.

declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  interface Options {
    url: string
    requests: { path: string }[]
    connections: number
    duration?: number
    amount?: number
    overallRate?: number
    sampleInt: number
    timeout: number
  }
  interface Shots extends EventEmitter, Promise<{ errors: number; timeouts: number }> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void
    ): this
    stop(): void
  }
  function autocannon(options: Options): Shots
  export = autocannon
}
