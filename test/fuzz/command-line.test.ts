import { CommanderError, type Command } from 'commander';
import { UnusableInput } from '../../src/cli/failure';
import { parseForecastLines } from '../../src/cli/forecast-jsonl';
import { parseHistory } from '../../src/cli/history-file';
import { createProgram } from '../../src/cli/program';
import { SwarmError, idSchema } from '../../src/domain';
import fc from '../support/fast-check';
import { fuzz, spoilt, spoiltJson } from './fuzz';

const refusedClearly = (error: unknown): void => {
  if (!(error instanceof SwarmError)) throw error;
  expect(error.code).toBe('bad-request');
  expect(error.message.length).toBeGreaterThan(10);
  // One that quotes its whole input helps nobody.
  expect(error.message.length).toBeLessThan(20_000);
  expect(error.hint).toBeDefined();
};

describe('JSON lines to forecast', () => {
  const line = {
    id: 'a',
    stepSeconds: 3_600,
    start: '2026-01-01T00:00:00Z',
    history: [3, 4, null, 5],
    horizon: 2,
    eventLevels: [0, 0, 0, 1, 0, 2],
  };
  const read = (text: string): void => {
    try {
      for (const series of parseForecastLines(text)) {
        expect(Number.isFinite(series.startMs)).toBe(true);
        expect(series.horizonSteps).toBeGreaterThan(0);
        for (const value of series.history) expect(value === null || Number.isFinite(value)).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(UnusableInput);
      refusedClearly(error);
    }
  };

  it('are read, or refused with the lines at fault, whichever fields are strange', () =>
    fuzz(fc.array(spoiltJson(line), { maxLength: 4 }), (lines) =>
      read(lines.map((each) => JSON.stringify(each)).join('\n')),
    ));

  it('are read, or refused with the lines at fault, whichever bytes are spoilt', () => {
    const sound = Buffer.from(
      `${JSON.stringify(line)}\r\n\n{"id":"b","history":[NaN,-Infinity,1e999],"x":"NaN"}\n`,
    );
    return fuzz(spoilt(sound), (bytes) => read(bytes.toString('utf8')));
  });
});

describe('history to import', () => {
  const sound =
    'timestamp,channel,viewers,region\n2026-03-01T12:00:00Z,ch-1,5,eu\n"2026-03-01 13:00:00",ch-2,1e3,\n';
  it.each([undefined, 'ch-1'])('is read, or refused with the lines at fault (--channel %s)', (channelId) =>
    fuzz(spoilt(Buffer.from(sound)), (bytes) => {
      try {
        const rows = parseHistory(
          'h.csv',
          bytes.toString('utf8'),
          channelId === undefined ? {} : { channelId },
        );
        expect(rows.length).toBeGreaterThan(0);
        for (const row of rows) {
          expect(Number.isFinite(row.atMs)).toBe(true);
          expect(row.viewers).toBeGreaterThanOrEqual(0);
          expect(row.viewers).toBeLessThanOrEqual(1e12);
          idSchema.parse(row.channelId);
          if (row.region !== undefined) idSchema.parse(row.region);
        }
      } catch (error) {
        refusedClearly(error);
      }
    }),
  );
});

describe('arguments of encoder-swarm', () => {
  /** Commands as they are, but that do nothing: what is left is how their arguments are read. */
  const inert = (json: boolean): Command => {
    const program = createProgram({ json });
    const visit = (command: Command): void => {
      command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
      if (command.commands.length === 0 || command.registeredArguments.length > 0) {
        command.action(() => undefined);
      }
      command.commands.forEach(visit);
    };
    visit(program);
    return program;
  };
  const words: string[] = [];
  const flags: string[] = ['--help', '--', '-', '--no-such', '--json=1'];
  const collect = (command: Command): void => {
    words.push(...command.commands.map((each) => each.name()));
    flags.push(...command.options.map((option) => option.long ?? ''));
    command.commands.forEach(collect);
  };
  collect(inert(false));
  const values = fc.oneof(
    fc.constantFrom(
      'ch-1',
      'enc-2',
      '',
      '-1',
      '1e9',
      'NaN',
      '30s',
      '0s',
      '../../x',
      '\u0000',
      '__proto__',
      '9-1',
    ),
    fc.string({ maxLength: 8 }),
  );
  const argument = fc.oneof(
    { arbitrary: fc.constantFrom(...words), weight: 3 },
    { arbitrary: fc.constantFrom(...flags), weight: 3 },
    { arbitrary: values, weight: 4 },
    {
      arbitrary: fc.tuple(fc.constantFrom(...flags), values).map(([flag, value]) => `${flag}=${value}`),
      weight: 1,
    },
  );
  const first = fc.constantFrom(...words);

  it('are read, or refused as wrong usage', () =>
    fuzz(
      fc.tuple(first, fc.array(argument, { maxLength: 6 }), fc.boolean()),
      async ([command, more, json]) => {
        try {
          await inert(json).parseAsync([command, ...more], { from: 'user' });
        } catch (error) {
          expect(error).toBeInstanceOf(CommanderError);
          const { code, message } = error as CommanderError;
          expect(code).toMatch(/^commander\./);
          expect(message.length).toBeGreaterThan(5);
        }
      },
      { share: 2 },
    ));
});
