// Makes one results file of parts that were measured one after another: node scripts/join.mjs PART… > WHOLE
import { readFileSync } from 'node:fs';
import { joinResults, parseResults } from '@heed/benchmarks';

const parts = process.argv.slice(2).map((file) => parseResults(readFileSync(file, 'utf8'), file));
console.log(JSON.stringify(joinResults(parts)));
