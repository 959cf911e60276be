/**
 * Measures Drydock, compares, and prints a table.
 *
 *   node test/bench/bench.ts [NAME…]
 *
 * Without names everything is measured, in about four minutes. Goals that are missed are marked; they are no failure. A bench that cannot measure is one.
 */

import { availableParallelism, cpus, totalmem } from 'node:os';
import { binaries } from '../testbed/build.ts';
import { shipped } from '../testbed/process/shipped.ts';
import { blocked } from './blocked.ts';
import { decision } from './decision.ts';
import { drain } from './drain.ts';
import { handover } from './handover.ts';
import { idle } from './idle.ts';
import { memory } from './memory.ts';
import { type Bench, type Row, tableOf } from './report.ts';
import { requests } from './requests.ts';
import { sentinel } from './sentinel.ts';

/** In the order of the table. */
const BENCHES: readonly Bench[] = [drain, requests, idle, sentinel, handover, memory, blocked, decision];

function choose(names: readonly string[]): Bench[] {
  const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown !== undefined) {
    throw new Error(`there is no bench ${unknown}; choose from ${BENCHES.map(({ name }) => name).join(', ')}`);
  }
  return BENCHES.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** Those that time something one after the other, and at the end those that only count, together. */
async function measure(chosen: readonly Bench[]): Promise<Map<Bench, Row[]>> {
  const rows = new Map<Bench, Row[]>();
  const run = async (bench: Bench) => {
    console.log(`── ${bench.name}: ${bench.about}`);
    const started = performance.now();
    const say = (line: string) => console.log(`   ${bench.name}: ${line}`);
    try {
      rows.set(bench, await bench.run(say));
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
    say(`done after ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  };
  for (const bench of chosen) if (!bench.countsOnly) await run(bench);
  await Promise.all(chosen.filter(({ countsOnly }) => countsOnly).map(run));
  return rows;
}

function machineFacts(): string {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`;
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${memory}, Node.js ${process.version}`;
}

async function main(names: readonly string[]): Promise<void> {
  const chosen = choose(names);
  console.log(`Machine: ${machineFacts()}`);
  // Building is not measured.
  await Promise.all([binaries(), shipped()]);
  const measured = await measure(chosen);
  const rows = chosen.flatMap((bench) => measured.get(bench) ?? []);
  console.log(`\n${tableOf(rows)}\n`);
  const missed = rows.filter(({ goal }) => goal?.met === false);
  console.log(missed.length === 0 ? 'Every goal is met.' : `MISSED goals: ${missed.length}.`);
}

if (import.meta.main) await main(process.argv.slice(2));
