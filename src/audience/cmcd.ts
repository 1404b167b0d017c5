/**
 * Session id of Common Media Client Data, versions 1 and 2 (CTA-5004, CTA-5004-B): the key `sid`, a quoted string, among
 * others with commas between them. Players send it in the query argument `CMCD` or in the header `CMCD-Session`.
 */
const SID = /(?:^|,)\s*sid="((?:[^"\\]|\\.){1,512})"/;

const sidOf = (data: string): string | null => SID.exec(data)?.[1]?.replace(/\\(.)/g, '$1') ?? null;

/**
 * @param query of the request's address, without `?`
 * @param header `CMCD-Session`
 * @returns null where there is none, or none that can be read
 */
export const cmcdSessionOf = (query: string, header?: string): string | null => {
  const argument = query.length > 0 ? new URLSearchParams(query).get('CMCD') : null;
  return (argument === null ? null : sidOf(argument)) ?? (header === undefined ? null : sidOf(header));
};
