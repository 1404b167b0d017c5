import { join } from 'node:path';
import { Option, type Command } from 'commander';
import {
  PARTS,
  createAuthority,
  issueCertificate,
  listCertificates,
  renewCertificate,
  type CertificateFacts,
} from '../../certificates';
import { SwarmError } from '../../domain';
import { wholeNumberOption } from '../../platform/terminal/number-option';
import { table } from '../../platform/terminal/table';
import { contextOf } from '../context';
import { stateDirOption } from '../options';

interface Where {
  dir?: string;
  stateDir: string;
}

const YEAR_DAYS = 365;
const MOST_DAYS = 20 * YEAR_DAYS;
const DAY_MS = 86_400_000;

const collected = (value: string, before: string[]): string[] => [...before, value];
const folderOf = ({ dir, stateDir }: Where): string => dir ?? join(stateDir, 'certificates');
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const daysLeft = ({ untilMs }: CertificateFacts): number => Math.floor((untilMs - Date.now()) / DAY_MS);
const hostsInWords = ({ hosts }: CertificateFacts): string => ['127.0.0.1', ...hosts].join(', ');

const withFolder = (command: Command): Command =>
  command
    .option('--dir <folder>', 'folder of the authority (default: certificates in the state folder)')
    .addOption(stateDirOption());

const daysOption = (what: string, standard: number): Option =>
  new Option('--days <number>', what).argParser(wholeNumberOption(1, MOST_DAYS)).default(standard);

/** How a part takes on what was made for it. */
const useLines = (facts: CertificateFacts): string[] => [
  `Bring the folder ${facts.folder} to that machine, readable for the account of the part alone, and set there:`,
  `  SWARM_TLS_DIR=${facts.folder}`,
];

const addInit = (certificates: Command): void => {
  withFolder(certificates.command('init'))
    .description("make the swarm's own authority, which issues the certificates of its parts")
    .option('--name <name>', 'how it calls itself', 'encoder-swarm')
    .addOption(daysOption('until it expires, with all that it issued', 10 * YEAR_DAYS))
    .action(async (options: Where & { name: string; days: number }, command: Command) => {
      const { print } = contextOf(command);
      const made = await createAuthority(folderOf(options), { swarm: options.name, days: options.days });
      print(made, () => [
        `Made an authority in ${made.folder}, good until ${dateOf(made.untilMs)}.`,
        'Keep ca-key.pem to yourself: whoever has it can speak as any part. Next, for each part or machine:',
        '  encoder-swarm certificates issue --part encoder --name enc-1 --host 10.0.0.5',
      ]);
    });
};

const addIssue = (certificates: Command): void => {
  withFolder(certificates.command('issue'))
    .description('issue a certificate for a part, or for a machine with several of them')
    .addOption(new Option('--part <part>', 'what it is for').choices(PARTS).makeOptionMandatory())
    .requiredOption('--name <name>', 'its name, and that of its folder')
    .option(
      '--host <host>',
      'name or address under which it is reached, beside 127.0.0.1 and localhost; repeatable',
      collected,
      [],
    )
    .addOption(daysOption('until it expires', YEAR_DAYS))
    .addHelpText(
      'after',
      '\nExample:\n  encoder-swarm certificates issue --part encoder --name enc-1 --host 10.0.0.5',
    )
    .action(
      async (
        options: Where & { part: string; name: string; host: string[]; days: number },
        command: Command,
      ) => {
        const { print } = contextOf(command);
        const { part, name, host: hosts, days } = options;
        const made = await issueCertificate(folderOf(options), { part, name, hosts, days });
        print(made, () => [
          `Issued ${made.name} (${part}) for ${hostsInWords(made)}, good until ${dateOf(made.untilMs)}.`,
          ...useLines(made),
        ]);
      },
    );
};

const addRenew = (certificates: Command): void => {
  withFolder(certificates.command('renew'))
    .description('replace certificates by new ones, each with a new key; parts take them on by themselves')
    .argument('[names...]', 'which; default: those of which less than a third of their time is left')
    .option('--all', 'all of them')
    .option('--host <host>', 'from now on under this name or address; repeatable', collected, [])
    .addOption(daysOption('until they expire', YEAR_DAYS))
    .addHelpText(
      'after',
      '\nA folder that was brought to another machine has to be brought there again.\n\nExample:\n  encoder-swarm certificates renew enc-1',
    )
    .action(
      async (
        names: string[],
        options: Where & { all?: boolean; host: string[]; days: number },
        command: Command,
      ) => {
        const { print } = contextOf(command);
        const folder = folderOf(options);
        if (options.host.length > 0 && names.length !== 1) {
          throw new SwarmError('bad-request', '--host is for one certificate.', 'Name it.');
        }
        const { issued } = await listCertificates(folder);
        const due = issued.filter(({ state }) => options.all || state !== 'valid').map(({ name }) => name);
        const renewed: CertificateFacts[] = [];
        for (const name of names.length > 0 ? names : due) {
          const hosts = options.host.length > 0 ? { hosts: options.host } : {};
          renewed.push(await renewCertificate(folder, name, { days: options.days, ...hosts }));
        }
        print(renewed, () =>
          renewed.length === 0
            ? ['Nothing is due. To renew all the same: --all, or name them.']
            : renewed.map(
                (made) => `Renewed ${made.name}, good until ${dateOf(made.untilMs)}: ${made.folder}`,
              ),
        );
      },
    );
};

const STATES: Record<CertificateFacts['state'], string> = {
  valid: 'valid',
  renew: 'renew soon',
  expired: 'expired',
  foreign: 'of another authority',
};

const addShow = (certificates: Command): void => {
  withFolder(certificates.command('show'))
    .description('list the authority and what it issued: for whom, and until when')
    .action(async (options: Where, command: Command) => {
      const { print } = contextOf(command);
      const listed = await listCertificates(folderOf(options));
      print(listed, () =>
        table(
          ['name', 'part', 'hosts', 'until', 'days left', 'state'],
          [listed.authority, ...listed.issued].map((facts) => [
            facts.name,
            facts.part ?? 'authority',
            facts.part === undefined ? null : hostsInWords(facts),
            dateOf(facts.untilMs),
            daysLeft(facts),
            STATES[facts.state],
          ]),
        ),
      );
    });
};

export const addCertificates = (program: Command): void => {
  const certificates = program
    .command('certificates')
    .description('make and renew the certificates by which links between machines are encrypted')
    .addHelpText(
      'after',
      '\nExample:\n  encoder-swarm certificates init\n  encoder-swarm certificates issue --part machine --name studio --host 10.0.0.4\n  encoder-swarm certificates issue --part encoder --name enc-1 --host 10.0.0.5\n  encoder-swarm certificates show\n' +
        'Step by step: docs/how-to/encrypt-the-links.md',
    );
  addInit(certificates);
  addIssue(certificates);
  addRenew(certificates);
  addShow(certificates);
};
