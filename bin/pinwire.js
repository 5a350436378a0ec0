#!/usr/bin/env node
// The `pinwire` command. Everything is compiled into dist/; this file only finds it.
import { existsSync } from 'node:fs';

const main = new URL('../dist/coordinator/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('pinwire: dist/ is missing; run `npm run build` first');
  process.exitCode = 2;
}
