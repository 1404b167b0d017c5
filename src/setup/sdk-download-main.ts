/**
 * A process of its own, as the SDK's downloader only comes with a started server: downloads the dev server
 * that belongs to the SDK into the folder named by its argument, starts it once, and ends it.
 */
const main = async (): Promise<void> => {
  const downloadDir = process.argv[2];
  if (!downloadDir) throw new Error('usage: sdk-download-main FOLDER');
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const executable = { type: 'cached-download' as const, downloadDir };
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
};

main().catch((error: unknown) => {
  // Only the cause: the SDK repeats it in front of each layer.
  console.error((error instanceof Error ? error.message : String(error)).split(': ').slice(-2).join(': '));
  process.exit(1);
});
