#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const main = join(__dirname, '..', 'dist', 'src', 'cli', 'main.js');
if (!existsSync(main)) {
  console.error('encoder-swarm: not built yet. Hint: run `npm start` once, or `npm run build`.');
  process.exit(1);
}
require(main);
