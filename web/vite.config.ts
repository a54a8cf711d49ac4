import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import ElementPlus from 'unplugin-element-plus/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import Components from 'unplugin-vue-components/vite'
import { defineConfig } from 'vitest/config'

// The server that `npm run dev` talks to.
const backend = process.env.HEARTLINE_URL ?? 'http://127.0.0.1:8080'
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// What the light entries (portal, kiosk) take from the desk's messages: the
// words that the server chooses. Everything else they bring themselves.
const shared = /^error\.(booking|exam|hospital|invalid|internal|kiosk|ledger|network|not_found|patient|portal|request|timeout|too_many|unauthenticated|unavailable|denied|conflict|field_invalid|validation)(\.|$)|^(doctortitle|numbertype)\./

/** `virtual:shared-messages/en` is the desk's messages, cut down to `shared`. */
function sharedMessages(): Plugin {
  const prefix = 'virtual:shared-messages/'
  return {
    name: 'shared-messages',
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined
      const file = at(`./src/locales/${id.slice(prefix.length + 1)}.json`)
      this.addWatchFile(file)
      const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
      return `export default ${JSON.stringify(Object.fromEntries(Object.entries(all).filter(([k]) => shared.test(k))))}`
    },
  }
}

/** The development server answers deep links as the real one does. */
function entries(): Plugin {
  return {
    name: 'entries',
    configureServer(server) {
      server.middlewares.use((req, _, next) => {
        const page = /^\/(portal|kiosk)(?:\/[^.?]*)?(?:\?|$)/.exec(req.url ?? '')
        if (page) req.url = `/${page[1]}.html`
        next()
      })
    },
  }
}

// Two builds into one folder: the desk, and with `--mode light` the portal and
// the kiosk, which then carry only what they use of Vue and its friends.
const pages = { desk: ['index'], light: ['portal', 'kiosk'] }

export default defineConfig(({ mode }) => {
  const light = mode === 'light'
  const input = Object.fromEntries(pages[light ? 'light' : 'desk'].map((name) => [name, at(`./${name}.html`)]))
  return {
    plugins: [
      vue(),
      // Only what a template uses is imported, styles included.
      ...(light ? [] : [Components({ dts: 'components.d.ts', dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] }), ElementPlus({})]),
      sharedMessages(),
      entries(),
    ],
    resolve: { alias: { '@': at('./src') } },
    define: light ? { __VUE_OPTIONS_API__: 'false', __VUE_I18N_LEGACY_API__: 'false', __VUE_I18N_FULL_INSTALL__: 'false' } : {},
    server: {
      port: 5173,
      proxy: {
        '/api': { target: backend, ws: true, changeOrigin: false },
        '/healthz': backend,
      },
    },
    // dist/index.html is the committed page of an unbuilt checkout; see embed.go.
    build: { outDir: 'dist/app', emptyOutDir: !light, copyPublicDir: !light, target: 'es2022', chunkSizeWarningLimit: 700, rollupOptions: { input } },
    test: { environment: 'node', include: ['src/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
  }
})
