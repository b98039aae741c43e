import { suite } from './test/suite.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();
await suite('release');
