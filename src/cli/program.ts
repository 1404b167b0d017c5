import { Command } from 'commander';
import { takeLinkTls } from '../platform/links/link-tls';
import { addAudience } from './commands/audience';
import { addAudit } from './commands/audit';
import { addBackup, addRestore } from './commands/backup';
import { addCertificates } from './commands/certificates';
import { addChannel } from './commands/channel';
import { addCodecServer } from './commands/codec-server';
import { addDeployment } from './commands/deployment';
import { addEncoder } from './commands/encoder';
import { addEvent } from './commands/event';
import { addExplain } from './commands/explain';
import { addForecast } from './commands/forecast';
import { addHandoff } from './commands/handoff';
import { addHistory } from './commands/history';
import { addLogin } from './commands/login';
import { addModel } from './commands/model';
import { addReplay } from './commands/replay';
import { addRollout } from './commands/rollout';
import { addSimulate } from './commands/simulate';
import { addStatus } from './commands/status';
import { addVerify } from './commands/verify';
import { addVersion } from './commands/version';
import { stateDirOption } from './options';

const EXAMPLES = `
Examples:
  encoder-swarm status                    the swarm at a glance
  encoder-swarm login                     log a browser in
  encoder-swarm handoff ch-1 enc-2        move a channel while viewers watch
  encoder-swarm encoder drain enc-3       empty an encoder before its maintenance
  encoder-swarm verify ch-1 --window 60s  prove that no frame of the last minute is missing
  encoder-swarm explain ch-1              why it was moved last
  encoder-swarm version list              encoder builds and their compatibility classes
  encoder-swarm rollout start ffmpeg-7    upgrade all encoders, and back if it is worse
  encoder-swarm certificates init        begin to encrypt the links between machines
  encoder-swarm forecast --jsonl < FILE   forecast any series, without a swarm

Exit codes: 0 done; 1 refused, failed or not continuous; 2 wrong usage or unusable input.`;

const API =
  'API of the swarm (default: SWARM_API_URL, else that of the swarm that runs on the state folder, else http://127.0.0.1:7700)';
const TOKEN_FILE =
  'file with the token to show to the API (default: SWARM_TOKEN_FILE, else the one in the state folder)';

/** The command line. Every command takes --json, --api, --token-file and --state-dir. */
export const createProgram = (options: { json: boolean }): Command => {
  const program = new Command('encoder-swarm')
    .description('Looks at and commands a running swarm of live encoders.')
    .option('--api <url>', API)
    .option('--token-file <file>', TOKEN_FILE)
    .option('--json', 'print JSON, errors too')
    .showHelpAfterError('(for more: encoder-swarm --help)')
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  addStatus(program);
  addLogin(program);
  addAudit(program);
  addHandoff(program);
  addChannel(program);
  addEncoder(program);
  addVerify(program);
  addExplain(program);
  addReplay(program);
  addVersion(program);
  addRollout(program);
  addDeployment(program);
  addForecast(program);
  addEvent(program);
  addHistory(program);
  addAudience(program);
  addModel(program);
  addSimulate(program);
  addCodecServer(program);
  addCertificates(program);
  addBackup(program);
  addRestore(program);
  program.hook('preAction', async (_, command) => {
    // They make what is named there.
    if (command.parent?.name() !== 'certificates') await takeLinkTls(process.env);
  });
  forEachCommand(program, (command) => {
    command.exitOverride();
    // With --json standard error carries nothing but the error's JSON.
    if (options.json) command.configureOutput({ writeErr: () => undefined, outputError: () => undefined });
    if (command !== program && (command.commands.length === 0 || command.registeredArguments.length > 0)) {
      command
        .option('--json', 'print JSON, errors too')
        .option('--api <url>', 'API of the swarm')
        .option('--token-file <file>', 'file with the token to show to it');
      if (!command.options.some(({ long }) => long === '--state-dir'))
        command.addOption(stateDirOption('state folder of the swarm that is meant, for its API and token'));
    }
  });
  return program;
};

const forEachCommand = (command: Command, visit: (command: Command) => void): void => {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
};
