import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** Entries with commas between them. */
export const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
);

/** Addresses and networks, with commas between them. */
export const addressList = commaList.refine(
  (entries) => entries.every((entry) => ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry)),
  'use addresses and networks such as 10.0.0.0/8, with a comma between them',
);
