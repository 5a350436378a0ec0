import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'results/**', 'test/vectors/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Typed arrays are read by computed index in every hot path; noUncheckedIndexedAccess makes
      // `!` the honest mark of "in bounds by construction".
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Interfaces whose methods answer promises may be served by code that needs no await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // `import { type X }` would still load its module: the graph of rooms counts it as an import by value.
      '@typescript-eslint/no-import-type-side-effects': 'error',
    },
  },
  {
    // What crosses verbs is made whole where it is posted. A spread makes an object of another shape for every message:
    // V8 gives up on such shapes, and a message then costs several times what it should.
    files: [
      'workloads/**/*.ts',
      'node/program/**/*.ts',
      'node/cores/**/*.ts',
      'bench/**/*.ts',
      'examples/**/*.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          ':matches(CallExpression[callee.property.name=/^post/], CallExpression[callee.name=/^post/])',
          ':function[returnType.typeAnnotation.typeName.name=/^(Send|Recv)Wr$/]',
          'VariableDeclarator[id.typeAnnotation.typeAnnotation.typeName.name=/^(Send|Recv)Wr$/]',
        ].map((place) => ({
          selector: `${place} ObjectExpression > SpreadElement`,
          message: 'A work request is made whole where it is posted: no spread.',
        })),
      ],
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: {
        ...{ process: 'readonly', console: 'readonly', URL: 'readonly' },
        ...{ fetch: 'readonly', AbortSignal: 'readonly' },
      },
    },
  },
);
