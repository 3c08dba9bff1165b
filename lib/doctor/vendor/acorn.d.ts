export * from 'acorn'
