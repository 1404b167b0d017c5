// @ts-check
const { TestEnvironment } = require('jest-environment-node');

/**
 * The first test that fails decides on a mutant: those that follow are skipped. Jest itself only ends between files, and
 * here all tests are in one.
 */
module.exports = class extends TestEnvironment {
  hasFailed = false;

  /** @param {import('jest-circus').Circus.Event} event */
  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.hasFailed = true;
    if (event.name === 'test_start' && this.hasFailed) event.test.mode = 'skip';
  }
};
