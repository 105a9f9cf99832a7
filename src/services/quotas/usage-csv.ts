import type { UsageRow } from './usage-ledger.js';

const fields = [
  'day',
  'userId',
  'username',
  'keyId',
  'model',
  'predictions',
  'rows',
  'failures',
] as const satisfies readonly (keyof UsageRow)[];

/** A usage report as CSV (RFC 4180), with a header. */
export function usageCsv(rows: readonly UsageRow[]): string {
  const lines = rows.map((row) => fields.map((field) => cell(row[field])).join(','));
  return [fields.join(','), ...lines, ''].join('\r\n');
}

/** A name that a spreadsheet would take for a formula gets an apostrophe, which spreadsheets do not show. */
function cell(value: string | number | null): string {
  if (typeof value === 'number') return String(value);
  if (value === null) return '';
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
