/**
 * The part of `ms` that is used here. @types/ms narrows its argument to literal units, and with it every Duration of
 * Temporal's own packages, whose types name this module too.
 */
declare module 'ms' {
  type StringValue = string;
  /** Milliseconds; undefined for what is no duration. @throws Error for an empty text, or one of over 100 characters */
  function ms(text: StringValue): number | undefined;
  namespace ms {
    export { StringValue };
  }
  export = ms;
}
