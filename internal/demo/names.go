package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"heartline/internal/contact/switchboard"
)

// spokenNames are the names of the demo's departments and doctors, which the
// telephone menu speaks. They are recordings of this hospital and not part of
// the prompts that come with the program: another hospital's doctor 1001 is
// somebody else.
func (s *seeder) spokenNames(ctx context.Context) error {
	for _, lang := range []string{"zh-CN", "en"} {
		texts, err := namesIn(lang)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			wav, err := files.ReadFile(path.Join("data/prompts", lang, key+".wav"))
			if err != nil {
				return detail("recording "+key, err)
			}
			up := switchboard.PromptUpload{Key: key, Language: lang, Name: texts[key], Text: texts[key], WAV: wav}
			if _, err := s.Board.PutPrompt(ctx, up); err != nil {
				return detail("recording "+key, err)
			}
		}
	}
	return nil
}

// namesIn lists what the recordings of a language say, by prompt key.
func namesIn(lang string) (map[string]string, error) {
	b, err := files.ReadFile(path.Join("data/prompts", lang, "prompts.json"))
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string)
	if err := json.Unmarshal(b, &texts); err != nil {
		return nil, fmt.Errorf("spoken names %s: %w", lang, err)
	}
	return texts, nil
}
