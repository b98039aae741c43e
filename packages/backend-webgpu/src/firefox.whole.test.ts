import { allCases } from '@heed/conformance';
import { clausesInFirefox } from './test/in-firefox.ts';
import { isSlow } from './test/slow.ts';

const quick = (await allCases()).filter((one) => !isSlow(one));
clausesInFirefox([...new Set(quick.map(({ clause }) => clause))]);
