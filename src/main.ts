#!/usr/bin/env node
import { Command } from 'commander';
import { describeFailure, failureExitCode } from './cli/failure.ts';
import { VERSION } from './cli/version.ts';

/** Commands are loaded when they run, so that the agent does not carry what only the controller needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  agent: async () => (await import('./cli/agent.ts')).agentCommand(),
  controller: async () => (await import('./cli/controller.ts')).controllerCommand(),
};

async function main(words: readonly string[]): Promise<void> {
  const program = new Command('drydock')
    .description('Takes nodes out of service safely to reboot them, and puts them back.')
    .version(VERSION)
    .showHelpAfterError('(drydock <command> --help lists what it takes)');
  const named = words.find((word) => !word.startsWith('-')) ?? '';
  const wanted = Object.hasOwn(COMMANDS, named) ? [named] : Object.keys(COMMANDS);
  for (const name of wanted) program.addCommand(await (COMMANDS[name] as () => Promise<Command>)());
  await program.parseAsync([...words], { from: 'user' });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = failureExitCode;
});
