export { KeyMeter } from './key-meter.js';
export { checkLimits, type Limits, parseRate, type RateLimit, unlimited } from './limits.js';
export { Quotas, type Reservation, type SettledRecord } from './quotas.js';
export { UsageLedger, type UsageQuery, type UsageRow } from './usage-ledger.js';
