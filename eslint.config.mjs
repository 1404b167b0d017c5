import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { zones } from './tools/lint/rooms.mjs';

const noNodeBuiltins = {
  regex: '^(node:|(fs|path|crypto|http|os|child_process)$)',
  message: 'No Node built-ins here.',
};

const byLinks =
  'Listen and ask by src/platform/links (and listen of http.ts): no link may forget what it is encrypted with.';

/** One way to write each thing. */
const restrictedSyntax = [
  { selector: 'PrivateIdentifier', message: 'Write `private`.' },
  {
    selector:
      'CallExpression[callee.object.name="AbortSignal"][callee.property.name="any"] ' +
      'CallExpression[callee.object.name="AbortSignal"][callee.property.name="timeout"]',
    message:
      'A garbage collection loses such a deadline (Node 20): take Deadline of src/platform/deadline.ts.',
  },
];

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      '.dist-new/**',
      'node_modules/**',
      'coverage/**',
      '.swarm/**',
      'web-types/**',
      'reports/**',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
    },
  },
  {
    // Rooms: who may import whom, and by which door. Type-only imports count as well.
    files: ['**/*.ts'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-duplicates': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', 'external', 'parent', ['sibling', 'index']],
          alphabetize: { order: 'asc', caseInsensitive: true },
          'newlines-between': 'ignore',
        },
      ],
    },
  },
  {
    // One way to listen and one to ask.
    files: ['src/**/*.ts', 'activities/**/*.ts'],
    ignores: [
      'src/platform/links/**',
      // Asks whether a server is one of TLS.
      'src/platform/connections.ts',
      // The identity provider, a server of downloads, and the swarm's own InfluxDB on 127.0.0.1, are no parts.
      'src/api/identity/jwt.ts',
      'src/launch/influx-server.ts',
      'src/setup/temporal-installers.ts',
    ],
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: byLinks }],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:http',
              importNames: ['createServer', 'Server', 'request', 'get', 'Agent', 'globalAgent'],
              allowTypeImports: true,
              message: byLinks,
            },
            ...['node:https', 'node:http2', 'node:tls', 'undici'].map((name) => ({
              name,
              allowTypeImports: true,
              message: byLinks,
            })),
            {
              name: '@grpc/grpc-js',
              importNames: ['credentials', 'ChannelCredentials', 'ServerCredentials'],
              allowTypeImports: true,
              message: byLinks,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['domain', 'forecast', 'fitness', 'planner', 'versions'].map((room) => `src/${room}/**/*.ts`),
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [noNodeBuiltins] }] },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/fast-check.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'fast-check',
              message: 'Import test/support/fast-check.ts: it gives every property a seed.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '(^|/)activities(/|$)',
              allowTypeImports: true,
              message: 'Import only the types of activities.',
            },
            noNodeBuiltins,
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'require'],
    },
  },
  {
    files: ['**/*.ts'],
    rules: {
      'id-denylist': ['error', 'o', 'mend'],
      'no-restricted-syntax': ['error', ...restrictedSyntax],
    },
  },
  {
    files: ['src/**/*.ts', 'activities/**/*.ts', 'workflows/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'variable',
          modifiers: ['const', 'global'],
          types: ['number', 'string'],
          format: ['UPPER_CASE'],
        },
      ],
      'max-lines': ['error', 400],
    },
  },
  {
    // One client of each part in a process, made where the process is put together: src/observation/part-clients.ts.
    files: ['activities/**/*.ts', 'src/api/**/*.ts', 'src/worker/**/*.ts', 'src/collector/**/*.ts'],
    ignores: ['src/collector/encoder-watch.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...restrictedSyntax,
        {
          selector: 'NewExpression[callee.name=/^(Origin|Relay|Source|FleetAgent|Encoder)Client$/]',
          message: 'Take the client that was handed in (src/observation/part-clients.ts).',
        },
      ],
    },
  },
  // Reads the word that older releases and histories have for a hint.
  { files: ['test/contracts/error-codec.test.ts'], rules: { 'id-denylist': 'off' } },
  { files: ['test/**/*.ts'], rules: { 'max-lines': ['error', 500] } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        require: 'readonly',
        module: 'readonly',
        __dirname: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        document: 'readonly',
        window: 'readonly',
        Hls: 'readonly',
        uPlot: 'readonly',
        EventSource: 'readonly',
        location: 'readonly',
      },
    },
  },
  // The page's script is type-checked (tsconfig.web.json), which knows the names of the browser.
  { files: ['web/**/*.js'], rules: { 'no-undef': 'off' } },
  prettier,
);
