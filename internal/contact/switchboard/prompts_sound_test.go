package switchboard

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"heartline/internal/contact/media/mediatest"
)

// TestShippedPromptsAreSpoken listens to every prompt of every language, as it
// comes out of a telephone.
func TestShippedPromptsAreSpoken(t *testing.T) {
	for _, lang := range []string{"zh-CN", "en"} {
		dir := path.Join("prompts", lang)
		text, err := pack.ReadFile(path.Join(dir, "prompts.json"))
		if err != nil {
			t.Fatal(err)
		}
		words := make(map[string]string)
		if err := json.Unmarshal(text, &words); err != nil {
			t.Fatal(err)
		}
		if len(words) < 150 {
			t.Errorf("%s has %d texts only", lang, len(words))
		}
		entries, err := pack.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != len(words)+1 {
			t.Errorf("%s: %d files beside the texts, of which there are %d", lang, len(entries)-1, len(words))
		}
		for key, said := range words {
			b, err := pack.ReadFile(path.Join(dir, key+".wav"))
			if err != nil {
				t.Error(err)
				continue
			}
			if wrong := mediatest.Faults(b, said, lang); len(wrong) > 0 {
				t.Errorf("%s/%s is %s", lang, key, strings.Join(wrong, ", "))
			}
		}
	}
}
