import { testCommands } from './commands.ts';

testCommands('test');
