const { default: Sequencer } = require('@jest/test-sequencer');

/** Searches that do nothing but compute: a worker whose memory is full of other files' modules needs three times as long. */
const SEARCHES = /\/test\/exhaustive\//;

/** Jest's order (what took longest before, else the largest file first), but searches at the beginning. */
module.exports = class SearchesFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    const isSearch = ({ path }) => SEARCHES.test(path);
    return [...sorted.filter(isSearch), ...sorted.filter((test) => !isSearch(test))];
  }
};
