// Runs every reproduction in defects, in each provisioned environment, and reports which defects are present and which
// are gone, in which version. Exits with 1 if one could not run in any environment.
import { type DefectRun, defectNames, runDefect } from './run-defect.ts';

const counts: Record<DefectRun['state'], number> = { there: 0, gone: 0, absent: 0 };
for (const name of defectNames()) {
  const runs = runDefect(name);
  const ran = runs.filter(({ state }) => state !== 'absent');
  for (const { state } of ran.length > 0 ? ran : runs.slice(0, 1)) counts[state]++;
  const states = ran.map(({ state, version }) => `${state} in ${version}`);
  console.log(`${name}: ${states.join(', ') || `could not be run: ${runs[0]?.words}`}`);
}
console.log(`${counts.there} there, ${counts.gone} gone, ${counts.absent} could not be run`);
process.exitCode = counts.absent > 0 ? 1 : 0;
