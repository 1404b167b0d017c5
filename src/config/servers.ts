import { z } from 'zod';

const text = z.string().min(1).optional();

/** How a Temporal server of one's own is reached: names and meaning are those of Temporal's own tools. */
const temporalLinkVariables = {
  TEMPORAL_TLS: z
    .enum(['true', 'false', '1', '0'])
    .optional()
    .describe(
      'Whether the link to Temporal is encrypted: `true` or `false`. Default: whether one of the following is set.',
    ),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: text.describe(
    "Certificates of the authority that Temporal's server is checked by, PEM. Default: public authorities.",
  ),
  TEMPORAL_TLS_CLIENT_CERT_PATH: text.describe('Certificate that is shown to Temporal, PEM.'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: text.describe('Its key, PEM.'),
  TEMPORAL_TLS_SERVER_NAME: text.describe(
    "Name that the certificate of Temporal's server must bear. Default: the one in `TEMPORAL_ADDRESS`.",
  ),
  TEMPORAL_API_KEY_FILE: text.describe(
    'File with the API key for Temporal Cloud; the link is encrypted then. `TEMPORAL_API_KEY` with the key itself is taken too.',
  ),
};

/** Worker deployments, by which a new build of the workers is rolled out (docs/runbooks/worker-deployment.md). */
const workerDeploymentVariables = {
  SWARM_WORKER_DEPLOYMENT: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'use up to 64 letters, digits, _ and -')
    .optional()
    .describe(
      'Name of the worker deployment at Temporal that workers of this cell are of. Moves and rollouts then end on the build ' +
        'that they began on. Default: none, so that every worker takes every task.',
    ),
  SWARM_WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_+-]{0,127}$/, 'use up to 128 letters, digits, _, + and -')
    .optional()
    .describe(
      'Name of the build in its worker deployment. Default: the one that the build made of its sources (`dist/build-id`).',
    ),
};

/** Everything about Temporal beside its address, namespace and page. */
export const temporalVariables = { ...temporalLinkVariables, ...workerDeploymentVariables };

/** How an InfluxDB of one's own is reached over https. */
export const influxTlsVariables = {
  INFLUX_TLS_CA: text.describe(
    'Certificates of the authority that InfluxDB is checked by, PEM, where `INFLUX_URL` is https. Default: public authorities.',
  ),
  INFLUX_TLS_CERTIFICATE: text.describe(
    'Certificate that is shown to InfluxDB, or to a proxy before it, PEM.',
  ),
  INFLUX_TLS_KEY: text.describe('Its key, PEM.'),
};
