import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

// Arrows point inward only: domain <- forecast, fitness, planner, versions <- activities <- worker.
const outside = [
  'media',
  'telemetry',
  'fleet',
  'api',
  'cli',
  'setup',
  'service',
  'config',
  'worker',
  'verify',
  'models',
];
const pure = ['forecast', 'fitness', 'planner', 'versions', 'ladder'];
const roomsPattern = (rooms) => `(^|/)(${rooms.join('|')})(/|$)`;
const forbid = (message, rooms, { nodeBuiltins = false, typesAllowed = false } = {}) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    {
      patterns: [
        ...(rooms.length ? [{ regex: roomsPattern(rooms), message, allowTypeImports: typesAllowed }] : []),
        ...(nodeBuiltins ? [{ regex: '^node:', message: 'No Node built-ins here.' }] : []),
      ],
    },
  ],
});

export default tseslint.config(
  { ignores: ['dist/**', '.dist-new/**', 'node_modules/**', 'coverage/**', '.swarm/**'] },
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
    files: ['src/domain/**/*.ts'],
    rules: forbid('The domain imports nothing of ours.', [...outside, ...pure, 'activities', 'workflows'], {
      nodeBuiltins: true,
    }),
  },
  {
    files: pure.map((room) => `src/${room}/**/*.ts`),
    rules: forbid('Pure decisions import the domain only.', [...outside, 'activities', 'workflows'], {
      nodeBuiltins: true,
    }),
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
            {
              regex: roomsPattern([...outside, ...pure]),
              message: 'Workflows import the domain and types of activities.',
            },
            {
              regex: '^(node:|fs$|path$|crypto$|http$|os$|child_process$)',
              message: 'No Node built-ins in workflows.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'require'],
    },
  },
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
  prettier,
);
