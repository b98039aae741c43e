import { suite } from './test/suite.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();
await suite('whole');
