import { makeContribution, type Contribution } from './contribution';
import { FeedServer } from './feed-server';
import { RecordingOrigin } from './recording-origin';
import { GOP_TICKS } from './test-host';

export interface FeedAndOrigin {
  /** A minute of it; the same for all tests of a file. */
  contribution: Contribution;
  feed: FeedServer;
  origin: RecordingOrigin;
}

/**
 * A relay's feed and an origin that records, anew for each test.
 * @param options.liveGops what the feed has when the test begins
 * @param use is given them before each test
 * @param inUse what the test has at its end: it may have put another feed in place of the first
 */
export const startFeedAndOrigin = (
  options: { liveGops?: number; audio?: boolean },
  use: (started: FeedAndOrigin) => void,
  inUse: () => { close(): Promise<void> }[],
): void => {
  const { liveGops = 6.5, audio = false } = options;
  let contribution: Contribution;
  beforeAll(() => {
    contribution = makeContribution(60, { audio });
  });
  beforeEach(async () => {
    const feed = new FeedServer(contribution, GOP_TICKS, liveGops * GOP_TICKS);
    const origin = new RecordingOrigin();
    await Promise.all([feed.listen(), origin.listen()]);
    use({ contribution, feed, origin });
  });
  afterEach(async () => {
    await Promise.all(inUse().map((part) => part.close()));
  });
};
