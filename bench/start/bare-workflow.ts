/** Does nothing: what a start of Temporal alone costs. */
export async function nothing(): Promise<void> {}
