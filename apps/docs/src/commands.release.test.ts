import { testCommands } from './commands.ts';

testCommands('release');
