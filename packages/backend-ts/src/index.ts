import { provider } from './provider.ts';

export default provider;
