package web

import (
	"embed"
	"encoding/json"
	"sync"
)

// The messages of the application, for what the server itself writes in a
// language: papers, and files with explanations.
//
//go:embed src/locales/zh-CN.json src/locales/en.json
var locales embed.FS

var messages = sync.OnceValue(func() map[string]map[string]string {
	out := make(map[string]map[string]string)
	for _, lang := range []string{"zh-CN", "en"} {
		list := make(map[string]string)
		if text, err := locales.ReadFile("src/locales/" + lang + ".json"); err == nil {
			_ = json.Unmarshal(text, &list) // checked by the tests; a missing text shows its key
		}
		out[lang] = list
	}
	return out
})

// Message is the text of a key in a language, zh-CN when there is no other,
// and the key itself when there is none at all.
func Message(lang, key string) string {
	all := messages()
	if text, ok := all[lang][key]; ok {
		return text
	}
	if text, ok := all["zh-CN"][key]; ok {
		return text
	}
	return key
}

// Has reports whether a key has a text.
func Has(key string) bool {
	_, ok := messages()["zh-CN"][key]
	return ok
}
