import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Mocha's spec reporter that also leaves its totals in the file that TEST_TOTALS names, for run-tests.ts. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env.TEST_TOTALS;
    if (file === undefined) return;
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}
