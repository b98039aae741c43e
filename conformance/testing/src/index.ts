export { CAPS, type CapErrors, capErrors } from './capped-scores.ts';
export { CHROMIUM, absence, launch } from './chromium.ts';
export { type OpenPage, type PageOptions, inChromium } from './in-chromium.ts';
export { normsOnThreads } from './norms-on-threads.ts';
export { pagedSequences } from './paged-sequences.ts';
export { isRequired } from './required.ts';
export { type Headers, type Site, type SiteOptions, openSite } from './site.ts';
export { useSoftwareVulkan } from './software-vulkan.ts';
export { suiteInWays } from './suite.ts';
