import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['dist', 'components.d.ts', 'src/api/schema.d.ts'] },
  ...ts.configs.recommended,
  ...vue.configs['flat/essential'],
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      'vue/multi-word-component-names': 'off',
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Use the typed client in api/client.ts.' }],
      'max-lines': ['error', { max: 500 }],
    },
  },
  { files: ['**/*.vue'], rules: { 'max-lines': ['error', { max: 300 }] } },
)
