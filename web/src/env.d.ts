/// <reference types="vite/client" />

// The messages that the light entries share with the desk; see vite.config.ts.
declare module 'virtual:shared-messages/*' {
  const messages: Record<string, string>
  export default messages
}
